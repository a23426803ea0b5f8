"""One data set made of several: chosen by ratio, by class, or all of it."""
