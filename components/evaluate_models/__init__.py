"""Score a model and the champion on the same patches."""
