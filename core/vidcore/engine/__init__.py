"""Training, evaluation, and what a run leaves. Importing this package imports no torch: its configs live here too."""
