"""Boundary-Matching Network: a confidence for every start and duration at once."""
