"""Whether attention accounts for what a model does: checks that run the model otherwise."""
