"""Predictions painted over frames: a canvas that tasks draw on, and videos, animations and pictures made of it."""
