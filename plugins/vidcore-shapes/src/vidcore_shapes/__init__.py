"""Moving shapes: a made data set for a first run and for tests."""
