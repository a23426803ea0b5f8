"""Weights: reading files of others without running them, fetching, loading into a model, saving with a contract."""
