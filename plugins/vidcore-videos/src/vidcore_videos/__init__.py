"""Videos named by a list, or lying in a folder for each class."""
