"""Losses that several families of localization models share."""
