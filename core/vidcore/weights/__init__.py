"""Weights: vidcore's own files with their contract, loading into a model, and plugins for everyone else's files.

Route: `loading.load_weights` finds and fits; `sources` brings and reads what is not vidcore's own; `reading` and
`saving` are vidcore's own form. Importing this package imports none of them.
"""
