"""The image that components run in; operators set it when they compile."""

import os

__all__ = ["IMAGE"]

IMAGE = os.environ.get("HRGLDD_IMAGE", "hrgldd:latest")
"""Pin it by digest for production: KFP's cache keys on this string, not on the image's content."""
