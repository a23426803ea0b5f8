"""ActivityNet 1.3, THUMOS14 and HACS: annotations, classes and features."""
