"""What a user must know of the images before trusting a map of them."""

from __future__ import annotations

from collections.abc import Mapping

from hrgldd_core.scenes import Scene

__all__ = ["cautions"]

# The models learn from PlanetScope's 3 m.
_PIXEL_M = (2.0, 5.0)
_LONG_DAYS = 3


def cautions(scenes: Mapping[str, Scene]) -> list[str]:
    """Warnings about the mapped scenes, a sentence or two each, for terminal, report, manifest.

    Args:
        scenes: those that were mapped, by id.
    """
    found = []
    if unmasked := [s for s in scenes.values() if s.mask is None]:
        found.append(
            f"{_some(len(unmasked), len(scenes))} no usable data mask (UDM2): clouds and their "
            "shadows count as seen there, and may be mapped as landslides."
        )
    if bare := [s for s in scenes.values() if s.nodata is None and s.mask is None]:
        found.append(
            f"{_some(len(bare), len(scenes))} no nodata value: black borders count as seen there."
        )
    sizes = sorted(s.geobox.resolution.x for s in scenes.values())
    if sizes[0] < _PIXEL_M[0] or sizes[-1] > _PIXEL_M[1]:
        found.append(
            f"Pixels of {sizes[0]:g} to {sizes[-1]:g} m: models trained on 3 m do not know how "
            "landslides look at this size."
        )
    times = sorted(s.acquired for s in scenes.values() if s.acquired)
    if times and (times[-1] - times[0]).days >= _LONG_DAYS:
        found.append(
            f"Images from {times[0]:%Y-%m-%d} to {times[-1]:%Y-%m-%d} are joined: what one of them "
            "shows counts as mapped and as seen, also if it was taken before the event."
        )
    return found


def _some(part: int, whole: int) -> str:
    if whole == 1:
        return "The image has"
    return f"{part} of {whole} images have"
