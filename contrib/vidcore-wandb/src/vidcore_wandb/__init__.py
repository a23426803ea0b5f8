"""Curves of vidcore runs in Weights & Biases, online or offline."""
