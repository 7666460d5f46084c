"""The README's picture: outlines on the image of a mapped scene.

``.venv/bin/python docs/picture.py out/demo out/demo-event/CATALOGUE.json docs/img/synthetic.jpg``
"""

import io
import sys
from pathlib import Path

import geopandas as gpd
from PIL import Image, ImageDraw

from hrgldd_core.mapping.manifest import published_summary
from hrgldd_core.mapping.probability import read_levels
from hrgldd_core.mapping.quicklook import quicklook_size, true_colour
from hrgldd_core.scenes import open_scene
from hrgldd_core.stac.catalog import SearchQuery, search


def main(out: Path, catalogue: str, picture: Path) -> None:
    """Draw it."""
    summary = published_summary(str(out))
    if not summary["synthetic"]:
        sys.exit("only pictures of synthetic events are ours to publish")
    raster = next((out / "probability").glob("*.tif"))
    item = next(i for i in search(catalogue, SearchQuery()) if i.id == raster.stem)
    scene = open_scene(item, bands=("blue", "green", "red"))
    _, grid = read_levels(str(raster))
    image = Image.open(io.BytesIO(true_colour(scene, str(out / "coverage" / raster.name))))
    factor = quicklook_size(scene)[0] / scene.target.shape[1]
    pen = ImageDraw.Draw(image)
    inverse = ~scene.target.affine
    for outline in gpd.read_parquet(out / "inventory.parquet").to_crs(str(grid.crs)).geometry:
        for part in getattr(outline, "geoms", [outline]):
            points = [inverse * point for point in part.exterior.coords]
            pen.line([(x * factor, y * factor) for x, y in points], fill=(255, 170, 0), width=2)
    image.thumbnail((1200, 1200))
    picture.parent.mkdir(parents=True, exist_ok=True)
    image.save(picture, quality=80)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
