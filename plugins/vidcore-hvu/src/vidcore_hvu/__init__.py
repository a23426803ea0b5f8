"""The Holistic Video Understanding data set."""
