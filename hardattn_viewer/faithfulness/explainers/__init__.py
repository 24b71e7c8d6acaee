"""What says how much each item counts, by name."""
