"""The last step of every run, whatever happened."""
