"""Training of the systems: what a plan fixes, what an update lowers, what is kept between."""
