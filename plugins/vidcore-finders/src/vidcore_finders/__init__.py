"""vidcore-finders: a learning rate, a batch size, and what a schedule does, before a run."""
