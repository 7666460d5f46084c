"""Describe a dataset."""
