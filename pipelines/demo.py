"""``make demo``: an event's scenes into a catalogue, then map_event over a search of it.

The event is the real one of Vilangad (Kerala, India, 2024) where its scene is at hand, and a
synthetic one otherwise; the code is the same from the catalogue on.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hrgldd_core import storage
from hrgldd_core.console import emit, fail, say
from hrgldd_core.errors import HrglddError, OutputExistsError
from hrgldd_core.events import Event

if TYPE_CHECKING:
    from hrgldd_core.mapping.plan import MappingPlan

__all__ = ["demo"]

_REAL = Event(
    name="Vilangad debris flows, Kerala, India, July 2024",
    bbox=(75.749, 11.764, 75.81, 11.817),
    datetime="2024-11-01/2024-11-30",
    trigger="rainfall",
)
_OUT = Path("out/demo")
_SEED = 7
_SIDE = (1536, 1792)


def prepare_real(raster: Path, folder: Path) -> tuple[Event, str]:
    """Register the real scene in a catalogue; the event and the catalogue's path."""
    from hrgldd_core.stac.ingest import item_collection, register_scene

    catalogue = folder / "vilangad.json"
    if not catalogue.exists():
        item = register_scene(str(raster.resolve()), str(folder))
        storage.write_json(str(catalogue), item_collection([item], str(folder)))
    return _REAL, str(catalogue)


def prepare_synthetic(folder: Path, shape: tuple[int, int]) -> tuple[Event, str]:
    """Generate an event, with a scene from before it too; event and catalogue's path."""
    import pystac

    from hrgldd_core.stac.ingest import item_collection, register_scene
    from hrgldd_core.synthetic import make_scene, write_scene

    name = f"synthetic-{_SEED}-{shape[0]}x{shape[1]}"
    catalogue = folder / f"{name}.json"
    if not catalogue.exists():
        items = []
        for phase, slides in (("pre", False), ("post", True)):
            scene = make_scene(_SEED, shape=shape, slides=slides)
            raster, _ = write_scene(scene, folder / "delivered", name=f"{name}-{phase}")
            item = register_scene(
                str(raster),
                str(folder),
                acquired=scene.datetime,
            )
            if slides:
                truth = folder / f"{name}-truth.geojson"
                storage.write_bytes(
                    str(truth), scene.inventory.to_crs("EPSG:4326").to_json().encode()
                )
                item.add_asset(
                    "truth",
                    pystac.Asset(
                        str(truth),
                        "True inventory",
                        media_type="application/geo+json",
                        roles=["truth"],
                    ),
                )
            items.append(item)
        storage.write_json(str(catalogue), item_collection(items, str(folder)))
    features = json.loads(catalogue.read_text())["features"]
    after = max(features, key=lambda f: f["properties"]["datetime"])
    day = after["properties"]["datetime"][:10]
    west, south, east, north = after["bbox"]
    inset = 0.02 * (east - west)
    event = Event(
        name=f"Synthetic storm {_SEED} (generated images, not a real event)",
        bbox=tuple(round(v, 5) for v in (west + inset, south + inset, east - inset, north - inset)),
        datetime=f"{day}/{day}",
        trigger="rainfall",
        synthetic=True,
    )
    return event, str(catalogue)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=_OUT)
@click.option("--work", type=click.Path(path_type=Path), default=Path("out/demo-event"))
@click.option("--real", type=click.Path(path_type=Path), help="Folder of the real scene.")
@click.option("--synthetic", is_flag=True, help="Take the synthetic event in any case.")
@click.option("--size", type=click.IntRange(256), help="Side of the synthetic scene, pixels.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line.")
def demo(
    *, out: Path, work: Path, real: Path | None, synthetic: bool, size: int | None, as_json: bool
) -> None:
    """Map a landslide event with the map_event pipeline, here and now."""
    try:
        _demo(
            out, work, None if synthetic else real, (size, size) if size else _SIDE, as_json=as_json
        )
    except HrglddError as error:
        fail(error)


def _demo(
    out: Path, work: Path, real: Path | None, shape: tuple[int, int], *, as_json: bool
) -> None:
    from hrgldd_core.mapping.job import summary_text
    from hrgldd_core.mapping.manifest import published_summary
    from hrgldd_core.mapping.request import plan_mapping
    from pipelines.local import run_locally

    started = time.monotonic()
    rasters = sorted(real.glob("*_AnalyticMS_SR_8b.tif")) if real and real.is_dir() else []
    if rasters:
        event, catalogue = prepare_real(rasters[0], work.absolute())
    else:
        say("No real scene at hand: this demo maps a SYNTHETIC event (generated images).")
        event, catalogue = prepare_synthetic(work.absolute(), shape)
    ready = time.monotonic()
    bbox = ",".join(map(str, event.bbox))
    say(f"event  {event.name}\nsearch {catalogue}, bbox {bbox}, dates {event.datetime}")
    request: dict[str, Any] = {
        "stac": catalogue,
        "bbox": bbox,
        "out": str(out.absolute()),
        "event": event.name,
    }
    reused = _finished_or_cleared(plan_mapping(**request, interval=event.datetime), out)
    outcome = run_locally("map_event", {**request, "datetime": event.datetime}, work / "kfp")
    summary = published_summary(str(out))
    summary |= {
        "reused": reused,
        "demo_seconds": {
            "prepare": round(ready - started, 1),
            "pipeline": round(time.monotonic() - ready, 1),
        },
    }
    took = timedelta(seconds=round(time.monotonic() - started))
    emit(summary, as_json=as_json, text=f"{summary_text(summary)}\n  demo took   {took}")
    if outcome.status != "done":
        sys.exit(3)


def _finished_or_cleared(plan: MappingPlan, out: Path) -> bool:
    """Whether the result is there; another one in the demo's own folder makes room for it."""
    from hrgldd_core.mapping.plan import is_finished

    try:
        return is_finished(plan)
    except OutputExistsError:
        if out != _OUT or not (out / "run.json").exists():
            raise
        say(f"{out} held the result of another demo: replacing it")
        shutil.rmtree(out)
        return False


if __name__ == "__main__":
    sys.exit(demo())
