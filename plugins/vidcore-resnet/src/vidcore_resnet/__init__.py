"""ResNet parts that video model families share: plans, 2D and 3D blocks, non-local blocks, inflated image weights."""
