"""Losses that experiments name under `[task.loss]`. Importing this package imports no torch."""
