"""Action recognition for vidcore: the task, losses of class scores and their metrics."""
