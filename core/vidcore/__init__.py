"""vidcore: video understanding, every part a plugin. Importing this package imports no torch."""

__version__ = "0.1.0"
