"""OpenCV in vidcore.

Route: `flow` is optical flow, `motion` the vectors that an encoder stored, `decoder` reads videos.
"""
