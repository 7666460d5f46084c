"""Publish a run."""
