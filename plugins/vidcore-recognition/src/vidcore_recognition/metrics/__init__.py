"""Metrics that experiments name under `[metrics.NAME]`. Importing this package imports no torch."""
