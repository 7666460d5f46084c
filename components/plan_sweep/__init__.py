"""Decide a sweep."""
