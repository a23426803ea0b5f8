"""Steps that tasks of all kinds take: joining samples, normalising pixels, merging views. The tasks are in plugins."""
