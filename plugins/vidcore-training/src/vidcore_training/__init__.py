"""vidcore-training: what a run may want beyond the common ways of training."""
