"""Scenes: what a STAC item offers for mapping, opened and read window by window."""

from hrgldd_core.scenes.model import BandSource, Coverage, Scene
from hrgldd_core.scenes.open import open_scene
from hrgldd_core.scenes.reader import SceneReader
from hrgldd_core.scenes.stack import load_stack

__all__ = ["BandSource", "Coverage", "Scene", "SceneReader", "load_stack", "open_scene"]
