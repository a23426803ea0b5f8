"""A callback that posts how a run goes."""
