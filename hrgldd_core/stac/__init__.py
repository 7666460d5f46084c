"""Scenes in, results out, as STAC."""
