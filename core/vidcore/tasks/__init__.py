"""Tasks that experiments name under `[task]`. Importing this package imports no torch."""
