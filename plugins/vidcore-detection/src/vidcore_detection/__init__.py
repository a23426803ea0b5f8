"""Spatio-temporal action detection: boxes around a key frame, and what is done in each of them."""
