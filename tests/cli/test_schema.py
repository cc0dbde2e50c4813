"""`bodywork schema`, whole."""

from __future__ import annotations

import json

import pytest

from bodywork_compiler.cli import main
from bodywork_compiler.config import schema


@pytest.mark.parametrize("name", schema.FILES)
def test_each_format_has_its_schema(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", name]) == 0
    assert json.loads(capsys.readouterr().out) == schema.schema_named(name)


def test_the_newest_is_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["version"]["const"] == "1.2"


def test_an_unknown_format_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", "0.9"]) == 2
    assert "stage-ini" in capsys.readouterr().err
