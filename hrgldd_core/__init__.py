"""Batch mapping of landslides from high-resolution satellite scenes."""

__version__ = "0.1.0"
