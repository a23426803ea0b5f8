"""Heatmaps of key points and limbs, and networks that look at them."""
