"""vidcore-tasks: steps that tasks of all kinds take: joining samples, normalising pixels, merging views."""
