"""Curves of runs in TensorBoard."""
