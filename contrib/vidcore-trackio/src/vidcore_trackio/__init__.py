"""Curves of vidcore runs in trackio, on this machine."""
