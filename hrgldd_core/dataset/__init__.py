"""Patches, and how they are read."""
