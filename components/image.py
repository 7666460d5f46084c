"""The images that components run in; operators set them when they compile."""

import os

__all__ = ["GPU_IMAGE", "IMAGE"]

IMAGE = os.environ.get("HRGLDD_IMAGE", "hrgldd:latest")
"""Pin it by digest for production: KFP's cache keys on this string, not on the image's content."""

GPU_IMAGE = os.environ.get("HRGLDD_GPU_IMAGE", IMAGE)
"""The same for steps whose profile has a GPU."""
