"""What reaches the model: every batch once, in order, of the epoch that is on."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from hrgldd_core.errors import InputError
from hrgldd_core.training.feed import feed
from hrgldd_core.training.fit import fit
from tests.hrgldd_core.training.test_batches import batches
from tests.hrgldd_core.training.test_fit import patches, recipe


class Ending(np.ndarray):
    """An array that can be read a few times, as a store that goes away."""

    reads = 0

    def __getitem__(self, rows):
        if isinstance(rows, np.ndarray):
            Ending.reads += 1
            if Ending.reads > 6:
                raise InputError("is gone", where="gs://bucket/patches", remedy="Try again")
        return np.asarray(self)[rows]


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="of tf.data")
@pytest.mark.parametrize("outputs", [1, 3])
def test_batches_come_in_order_in_each_epoch(outputs):
    fed, expected = (batches(steps=5, outputs=outputs, workers=2) for _ in range(2))
    with feed(fed) as data:
        assert data.cardinality() == 5
        for epoch in (0, 1, 4):
            fed.begin_epoch(epoch)
            expected.begin_epoch(epoch)
            found = list(data.as_numpy_iterator())
            assert len(found) == 5
            for number, (x, y) in enumerate(found):
                image, label = expected[number]
                np.testing.assert_array_equal(x, image)
                np.testing.assert_array_equal(y, label)


def test_an_error_in_a_batch_is_said_as_it_is(monkeypatch):
    data = patches()
    monkeypatch.setattr("hrgldd_core.training.batches._KEEP_BYTES", 0)
    data.images.flags.writeable = False
    object.__setattr__(data, "images", data.images.view(Ending))
    with pytest.raises(InputError, match=r"^gs://bucket/patches: is gone"):
        fit(recipe(steps_per_epoch=8), data)
