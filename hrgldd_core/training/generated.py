"""Generated patches to learn from beside the real ones.

HR-GLDD's patches were chosen around landslides; villages, roads, fields and river beds, which fill
whole scenes, are rare in them. Synthetic scenes hold plenty, with labels that are true by
construction.
"""

from __future__ import annotations

import numpy as np

from hrgldd_core.dataset.patches import IGNORE, PatchSet

__all__ = ["generated_patches"]

_SCENE = 768
_BANDS = ("blue", "green", "red", "nir")

# Demo and tests use small seeds: a model must not have met their scenes.
_FIRST_SEED = 90_000


def generated_patches(
    bands: tuple[str, ...], *, shape: tuple[int, int] = (128, 128), scenes: int = 10
) -> PatchSet:
    """Patches of synthetic scenes, one group a scene; float32 reflectance.

    Cloud and nodata are ignored; patches that are mostly that are left out.

    Args:
        bands: common names, of blue, green, red and nir.
        shape: rows and columns of a patch.
        scenes: how many are generated and cut.
    """
    from hrgldd_core.synthetic import make_scene

    size = max(_SCENE, shape[0]), max(_SCENE, shape[1])
    images, labels, groups = [], [], []
    for seed in range(_FIRST_SEED, _FIRST_SEED + scenes):
        scene = make_scene(seed, shape=size, cloud_share=0.02)
        label = np.where(scene.udm2[0] == 1, scene.truth, IGNORE).astype(np.uint8)
        image = scene.reflectance[[_BANDS.index(b) for b in bands]].astype(np.float32)
        for row in range(0, size[0] - shape[0] + 1, shape[0]):
            for column in range(0, size[1] - shape[1] + 1, shape[1]):
                part = slice(row, row + shape[0]), slice(column, column + shape[1])
                if (label[part] != IGNORE).mean() > 0.5:
                    images.append(np.moveaxis(image[:, part[0], part[1]], 0, -1))
                    labels.append(label[part])
                    groups.append(seed)
    return PatchSet(
        np.stack(images), np.stack(labels), np.array(groups), bands, source="synthetic scenes"
    )
