"""Generated patches to learn from beside the real ones.

HR-GLDD's patches were chosen around landslides; villages, roads, fields and river beds, which fill
whole scenes, are rare in them. Synthetic scenes hold plenty, with labels that are true by
construction.
"""

from __future__ import annotations

import numpy as np

from hrgldd_core.dataset.patches import IGNORE, PatchSet

__all__ = ["generated_patches"]

_SIDE = 128
_SCENE = 768
_BANDS = ("blue", "green", "red", "nir")

# Demo and tests use small seeds: a model must not have met their scenes.
_FIRST_SEED = 90_000


def generated_patches(bands: tuple[str, ...], *, scenes: int = 10) -> PatchSet:
    """Patches of 128 x 128 pixels of synthetic scenes, one group a scene; float32 reflectance.

    Cloud and nodata are ignored; patches that are mostly that are left out.
    """
    from hrgldd_core.synthetic import make_scene

    images, labels, groups = [], [], []
    for seed in range(_FIRST_SEED, _FIRST_SEED + scenes):
        scene = make_scene(seed, shape=(_SCENE, _SCENE), cloud_share=0.02)
        label = np.where(scene.udm2[0] == 1, scene.truth, IGNORE).astype(np.uint8)
        image = scene.reflectance[[_BANDS.index(b) for b in bands]].astype(np.float32)
        for row in range(0, _SCENE, _SIDE):
            for column in range(0, _SCENE, _SIDE):
                part = slice(row, row + _SIDE), slice(column, column + _SIDE)
                if (label[part] != IGNORE).mean() > 0.5:
                    images.append(np.moveaxis(image[:, part[0], part[1]], 0, -1))
                    labels.append(label[part])
                    groups.append(seed)
    return PatchSet(
        np.stack(images), np.stack(labels), np.array(groups), bands, source="synthetic scenes"
    )
