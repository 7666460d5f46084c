"""The paper's three collections: which patches stand in which row of its Table 2.

Collection 1 is the mixed test set, 2 the test set of each site, 3 events that took no part in
training (Meena et al. 2023, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hrgldd_core.dataset.patches import PatchSet
from hrgldd_core.errors import InputError

__all__ = ["Cell", "Layout", "Row", "lay_out", "parse_collections", "parse_unseen"]

_TITLES = {1: "Mixed test set", 2: "Test set of each site", 3: "Unseen events"}


@dataclass(frozen=True)
class Cell:
    """Patches of one split of one site of one data set.

    Attributes:
        part: 0 the data, 1 and on the further unseen events.
        split: as the data says; empty when it does not.
        site: name of the site.
        event: name of the further event; empty for the data.
    """

    part: int
    split: str
    site: str
    event: str = ""


@dataclass(frozen=True)
class Row:
    """A row of the table: some cells together.

    Attributes:
        collection: 1, 2 or 3; 0 for the headline.
        name: what stands in the table.
        cells: numbers of the cells.
        remark: what must be known to read it.
    """

    collection: int
    name: str
    cells: tuple[int, ...]
    remark: str = ""


@dataclass(frozen=True)
class Layout:
    """All cells, the cell of each patch of each part, and the rows.

    Attributes:
        cells: of all parts.
        of_patch: (N,) numbers of cells, for each part.
        rows: the headline first, then collection by collection.
        absent: why a collection has no row, by its number.
    """

    cells: tuple[Cell, ...]
    of_patch: tuple[npt.NDArray[np.int64], ...]
    rows: tuple[Row, ...]
    absent: dict[int, str]


def parse_collections(text: str | None) -> tuple[int, ...] | None:
    """``1,2,3`` or part of it; None for all there are.

    Raises:
        InputError: for anything else.
    """
    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    if not all(word in ("1", "2", "3") for word in words):
        raise InputError(
            f"no collection {next(w for w in words if w not in ('1', '2', '3'))!r}",
            where="--collections",
            remedy="Give 1 (mixed test set), 2 (each site) and 3 (unseen events), parted by commas",
        )
    return tuple(sorted({int(word) for word in words}))


def parse_unseen(texts: Sequence[str]) -> dict[str, str]:
    """URIs of unseen events by name, from ``NAME=URI`` each.

    Raises:
        InputError: when a name is missing or given twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, _, uri = text.partition("=")
        if not name or not uri:
            raise InputError(
                f"--unseen {text!r} has no name", remedy="Write --unseen NAME=URI, as Haiti=haiti/"
            )
        if name in found:
            raise InputError(
                f"two unseen events are called {name!r}", remedy="Give each its own name"
            )
        found[name] = uri
    return found


def lay_out(
    parts: Sequence[PatchSet], names: Sequence[str], *, wanted: Sequence[int] | None = None
) -> Layout:
    """Sort patches into cells and rows.

    Args:
        parts: the data, then further unseen events.
        names: of those events.
        wanted: numbers of collections; None takes all there are.
    """
    cells: list[Cell] = []
    of_patch = []
    for number, part in enumerate(parts):
        splits = part.splits if part.splits is not None else np.full(len(part), "")
        keys, inverse = np.unique(
            np.array([splits.astype(str), part.groups.astype(str)]), axis=1, return_inverse=True
        )
        of_patch.append(inverse.reshape(-1).astype(np.int64) + len(cells))
        event = names[number - 1] if number else ""
        cells += [Cell(number, str(s), part.site_name(int(g)), event) for s, g in keys.T]
    rows, absent = _rows(parts[0], cells, names)
    wanted = (1, 2, 3) if wanted is None else wanted
    return Layout(
        tuple(cells),
        tuple(of_patch),
        tuple(row for row in rows if row.collection in (0, *wanted)),
        {number: why for number, why in absent.items() if number in wanted},
    )


def _rows(
    data: PatchSet, cells: Sequence[Cell], names: Sequence[str]
) -> tuple[list[Row], dict[int, str]]:
    def numbers(part: int, *splits: str) -> tuple[int, ...]:
        chosen = (c.part == part and (not splits or c.split in splits) for c in cells)
        return tuple(i for i, yes in enumerate(chosen) if yes)

    splits = sorted({c.split for c in cells if c.part == 0})
    unseen, test, remark = numbers(0, "unseen"), numbers(0, "test"), ""
    absent: dict[int, str] = {}
    if splits == [""]:
        test, remark = numbers(0), "The data names no test set: these are all its patches."
        rows = [Row(0, "All patches", test, remark)]
    elif test:
        rows = [Row(0, "Test patches", test)]
    else:
        called = f"{' and '.join(splits)} patches"
        if set(splits) != {"unseen"}:
            remark = f"These are no test patches: {called}."
        rows = [Row(0, called.capitalize(), numbers(0), remark)]
        absent[1] = f"No test patches were scored, but {called}."
    if test:
        rows.append(Row(1, _TITLES[1], test, remark))
    sites = sorted({cells[i].site for i in test}, key=_natural)
    if len(sites) > 1 or (sites and data.sites):
        rows += [
            Row(2, _called(s), tuple(i for i in test if cells[i].site == s), remark) for s in sites
        ]
    else:
        absent[2] = absent.get(1, "The data does not say which site a patch is of.")
    events = sorted({cells[i].site for i in unseen}, key=_natural)
    third = [Row(3, _called(e), tuple(i for i in unseen if cells[i].site == e)) for e in events]
    third += [Row(3, name, numbers(i)) for i, name in enumerate(names, 1)]
    if len(third) > 1:
        together = tuple(i for row in third for i in row.cells)
        third.append(Row(3, "All unseen events", together))
    if not third:
        absent[3] = "No unseen event was given: add --unseen NAME=URI."
    return rows + third, absent


def _called(site: str) -> str:
    return f"Site {site}" if site.isdecimal() else site


def _natural(name: str) -> tuple[int, str]:
    return (int(name), "") if name.isdecimal() else (1 << 62, name)
