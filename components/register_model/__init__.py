"""Register a model, or refuse it."""
