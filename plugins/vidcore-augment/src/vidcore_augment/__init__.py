"""Augmentations and samplings beyond the basic ones."""
