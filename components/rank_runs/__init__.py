"""Rank the runs of a sweep."""
