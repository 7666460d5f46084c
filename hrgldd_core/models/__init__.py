"""Architectures, and trained models as folders."""
