"""Kinetics: ten-second clips of human actions, in editions of 400, 600, 700 and 710 classes."""
