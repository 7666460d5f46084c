"""Search scenes and decide the run."""
