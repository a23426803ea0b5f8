"""A made task, metric and data set, so that the predictor is tested with the core alone."""
