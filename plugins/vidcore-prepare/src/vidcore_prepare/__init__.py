"""Preparing data: one engine that maps a function over many items, and the `vidcore data` commands made of it."""
