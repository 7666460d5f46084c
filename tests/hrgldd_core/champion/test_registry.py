"""The registry of models: one champion after the other, never two at once."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from hrgldd_core.champion.registry import crown, read_champion
from hrgldd_core.errors import InputError
from hrgldd_core.models.store import open_model
from tests.servers.store import faulty_store


@pytest.fixture(params=["folder", "bucket"])
def registry(request, tmp_path, monkeypatch):
    if request.param == "folder":
        yield str(tmp_path / "models")
        return
    with faulty_store(monkeypatch) as store:
        yield f"gs://{store.name}/models"


@pytest.fixture
def models(bright_model, tmp_path):
    """The same model in several versions."""

    def make(version):
        folder = shutil.copytree(bright_model, tmp_path / f"v{version}")
        spec = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**spec, "version": str(version)}))
        return open_model(str(folder))

    return make


def test_champions_follow_each_other(registry, models):
    assert read_champion(registry) is None
    first = crown(registry, models(1), instead_of=None, f1=0.5, evaluation="e")
    assert read_champion(registry) == first
    assert (first.number, first.version, first.f1) == (1, "1", 0.5)
    # It is a model that maps.
    assert open_model(first.model).digest == first.sha256
    second = crown(registry, models(2), instead_of=first)
    assert read_champion(registry) == second
    assert second.number == 2
    assert second.model != first.model
    assert open_model(first.model).digest == first.sha256


def test_of_two_at_the_same_moment_one_wins(registry, models):
    first = crown(registry, models(1), instead_of=None)
    rivals = [models(k) for k in range(2, 6)]

    def attempt(model):
        try:
            return crown(registry, model, instead_of=first)
        except InputError as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(attempt, rivals))
    winners = [champion for champion in found if not isinstance(champion, str)]
    assert len(winners) == 1
    assert read_champion(registry) == winners[0]
    refusals = [text for text in found if isinstance(text, str)]
    assert all("became champion 2 meanwhile. Repeat the run" in text for text in refusals)


def test_pointer_ends_at_the_last(registry, models, monkeypatch):
    from hrgldd_core import storage
    from hrgldd_core.champion import registry as module

    first = crown(registry, models(1), instead_of=None)
    second = crown(registry, models(2), instead_of=first)
    # The first one's run is slow, and writes its pointer only now.
    listed = iter([[1], [1, 2], [1, 2]])
    with monkeypatch.context() as patch:
        patch.setattr(module, "_numbers", lambda _: next(listed))
        module._repeat_last(registry)
    pointer = storage.read_json(storage.join(registry, "champion.json"))
    assert pointer["sha256"] == second.sha256


def test_registry_that_is_none(tmp_path):
    (tmp_path / "champions").mkdir()
    (tmp_path / "champions/000001.json").write_text('{"number": 1}')
    with pytest.raises(InputError, match=r"000001\.json: describes no champion \(model\)"):
        read_champion(str(tmp_path))
    (tmp_path / "champions/000001.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_champion(str(tmp_path))
