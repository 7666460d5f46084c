"""Landslide polygons: outlined, measured, written."""
