"""vidcore-schedulefree: optimizers that need no learning-rate schedule."""
