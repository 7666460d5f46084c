"""docs/pipelines.md tells the parameters that the packages have."""

from __future__ import annotations

import re

import pytest

from pipelines import PIPELINES
from pipelines.local import load_pipeline
from pipelines.profiles import Profile, Step
from tests.support import ROOT

TEXT = (ROOT / "docs/pipelines.md").read_text()


def parameter_table(name):
    """Parameter, default and meaning, as the form of KFP's UI shows them."""
    inputs = load_pipeline(name).component_spec.inputs
    lines = ["| parameter | default | |", "|---|---|---|"]
    for key, given in inputs.items():
        default = "*required*" if not given.optional else f"`{given.default}`"
        default = "" if given.optional and given.default == "" else default
        lines.append(f"| `{key}` | {default} | {given.description.rstrip('.')} |")
    return "\n".join(lines)


@pytest.mark.parametrize("name", PIPELINES)
def test_parameters(name):
    table = parameter_table(name)
    assert table in TEXT, f"docs/pipelines.md lacks:\n{table}"


def test_fields_of_profiles_and_steps():
    for field in [*Profile.model_fields, *Step.model_fields]:
        assert f"`{field}`" in TEXT, field


def test_every_file_that_is_named_is_there():

    for target in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / target).exists(), target
