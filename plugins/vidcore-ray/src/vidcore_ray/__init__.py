"""Preparing data on more than one machine, by Ray Data."""
