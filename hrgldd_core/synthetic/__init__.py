"""Synthetic events: scenes with a true inventory, for the demo, tests and benchmarks."""

from hrgldd_core.synthetic.files import write_scene
from hrgldd_core.synthetic.scene import SyntheticScene, make_scene

__all__ = ["SyntheticScene", "make_scene", "write_scene"]
