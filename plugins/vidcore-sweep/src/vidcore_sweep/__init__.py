"""One experiment with many values."""
