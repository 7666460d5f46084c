"""Items as public catalogues lay them out, cut down to what matters, around files of the test."""

from __future__ import annotations

from typing import Any

from tests.support import box_item

COG = "image/tiff; application=geotiff; profile=cloud-optimized"
S2 = {
    "blue": ("B02", "blue", 0.49, 10),
    "green": ("B03", "green", 0.56, 10),
    "red": ("B04", "red", 0.665, 10),
    "rededge1": ("B05", "rededge", 0.704, 20),
    "nir": ("B08", "nir", 0.842, 10),
    "nir08": ("B8A", "nir08", 0.865, 20),
}
SUPERDOVE = (
    ("Coastal Blue", "coastal", 0.443),
    ("Blue", "blue", 0.49),
    ("Green I", "green", 0.531),
    ("Green", "green", 0.565),
    ("Yellow", "yellow", 0.61),
    ("Red", "red", 0.665),
    ("Red Edge", "rededge", 0.705),
    ("Near-Infrared", "nir", 0.865),
)


def earth_search(hrefs: dict[str, str], *, applied: bool = True) -> dict[str, Any]:
    """Earth Search's sentinel-2-l2a (STAC 1.0, eo:bands, raster:bands, JPEG 2000 beside COGs)."""
    assets: dict[str, Any] = {
        "thumbnail": {"href": "t.jpg", "type": "image/jpeg", "roles": ["thumbnail"]},
        "visual": {
            "href": "TCI.tif", "type": COG, "roles": ["visual"],
            "eo:bands": [{"name": n, "common_name": n} for n in ("red", "green", "blue")],
        },
        "scl": {
            "href": hrefs["scl"], "type": COG, "roles": ["data", "reflectance"],
            "raster:bands": [{"nodata": 0, "data_type": "uint8", "spatial_resolution": 20}],
        },
    }  # fmt: skip
    for key, (_, common, centre, size) in S2.items():
        one = {
            "roles": ["data", "reflectance"],
            "eo:bands": [{"name": key, "common_name": common, "center_wavelength": centre}],
            "gsd": size,
            "raster:bands": [{
                "nodata": 0, "data_type": "uint16", "bits_per_sample": 15,
                "spatial_resolution": size, "scale": 0.0001, "offset": -0.1,
            }],
        }  # fmt: skip
        assets[key] = {"href": hrefs.get(key, f"{key}.tif"), "type": COG, **one}
        assets[f"{key}-jp2"] = {"href": f"s3://bucket/{key}.jp2", "type": "image/jp2", **one}
    return box_item(
        "S2B_43PFN_20241110_0_L2A",
        stac_version="1.0.0",
        properties={
            "datetime": "2024-11-10T05:29:42Z", "proj:epsg": 32643,
            "earthsearch:boa_offset_applied": applied, "s2:processing_baseline": "05.11",
        },
        assets=assets,
        collection="sentinel-2-l2a",
    )  # fmt: skip


def planetary_computer(hrefs: dict[str, str], *, baseline: str = "05.11") -> dict[str, Any]:
    """Planetary Computer's sentinel-2-l2a: keys by band number, nothing about radiometry."""
    assets: dict[str, Any] = {
        "SCL": {"href": hrefs["scl"], "type": COG, "gsd": 20, "roles": ["data"]},
        "visual": {
            "href": "TCI.tif", "type": COG, "gsd": 10, "roles": ["data"],
            "eo:bands": [
                {"name": S2[n][0], "common_name": n} for n in ("red", "green", "blue")
            ],
        },
        "preview": {"href": "p.tif", "type": COG, "roles": ["thumbnail"]},
    }  # fmt: skip
    for key, (name, common, centre, size) in S2.items():
        assets[name] = {
            "href": hrefs.get(key, f"{name}.tif"), "type": COG, "gsd": size, "roles": ["data"],
            "eo:bands": [{"name": name, "common_name": common, "center_wavelength": centre}],
        }  # fmt: skip
    return box_item(
        "S2B_MSIL2A_20241110T052942_R105_T43PFN",
        stac_version="1.0.0",
        properties={"datetime": "2024-11-10T05:29:42Z", "s2:processing_baseline": baseline},
        assets=assets,
    )


def planet_order(image: str, udm2: str, *, bands: int) -> dict[str, Any]:
    """A PSScene as Planet's orders deliver it: one file of all bands, keys made of file names."""
    listed = SUPERDOVE if bands == 8 else [SUPERDOVE[i] for i in (1, 3, 5, 7)]
    kind = "ortho_analytic_8b_sr" if bands == 8 else "ortho_analytic_4b_sr"
    return box_item(
        "20241110_053942_45_24f7",
        stac_version="1.0.0",
        assets={
            "20241110_053942_45_24f7_metadata_json": {
                "href": "m.json", "type": "application/json", "roles": ["metadata"],
            },
            f"{image.rsplit('/', 1)[-1].replace('.', '_')}": {
                "href": image, "type": COG, "roles": ["data", "reflectance"],
                "pl:asset_type": kind,
                "eo:bands": [
                    {"name": n, "common_name": c, "center_wavelength": w} for n, c, w in listed
                ],
            },
            f"{udm2.rsplit('/', 1)[-1].replace('.', '_')}": {
                "href": udm2, "type": COG, "roles": ["data"], "pl:asset_type": "ortho_udm2",
            },
        },
    )  # fmt: skip


def with_bands(item: dict[str, Any]) -> dict[str, Any]:
    """The same item in STAC 1.1: ``bands`` with prefixed fields in place of the two old lists."""
    assets = {}
    for key, asset in item["assets"].items():
        old, raster = asset.get("eo:bands", []), asset.get("raster:bands", [])
        if not old:
            assets[key] = asset
            continue
        rest = {k: v for k, v in asset.items() if k not in ("eo:bands", "raster:bands")}
        bands = [
            {"name": e["name"], "eo:common_name": e["common_name"]}
            | {f"raster:{k}": r[k] for k in ("scale", "offset") if k in r}
            | {k: r[k] for k in ("nodata", "data_type") if k in r}
            for e, r in zip(old, raster or [{}] * len(old), strict=True)
        ]
        assets[key] = {**rest, "bands": bands}
    return {**item, "stac_version": "1.1.0", "assets": assets}
