"""vidcore-parallel: one model trained by several processes."""
