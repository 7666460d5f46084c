"""What tells one training's data from another's."""

from __future__ import annotations

from hrgldd_core.training.identity import data_identities, data_identity


def test_a_dataset_that_grew_is_still_known(tmp_path):
    (tmp_path / "versions").mkdir()
    known = []
    for version in (1, 2):
        for name in (f"versions/v{version:04}.json", "dataset.json"):
            (tmp_path / name).write_text(f'{{"version": {version}}}')
        known.append(data_identity(str(tmp_path)))
    assert data_identities(str(tmp_path)) == set(known)
    assert len(set(known)) == 2


def test_a_file_has_one(tmp_path):
    (tmp_path / "patches.npz").write_bytes(b"something")
    uri = str(tmp_path / "patches.npz")
    assert data_identities(uri) == {data_identity(uri)}
