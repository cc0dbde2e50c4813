"""The documents' blocks are read as they are written, and none is left untyped."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from seed_blocks import SEEDS, a_document, assert_shows

TESTS = (Path(__file__).parents[1] / "cluster" / "test_seeds.py").read_text()


@pytest.mark.parametrize("name", ["user-guide", "tutorial", "mlflow"])
def test_every_block_is_typed_by_a_test(name: str) -> None:
    untyped = [block for block in a_document(name).blocks if f'"{block}"' not in TESTS]
    assert untyped == []


@pytest.mark.parametrize("name", ["user-guide", "tutorial", "mlflow"])
def test_every_line_is_read(name: str) -> None:
    lines = [line for line in (SEEDS / f"{name}.txt").read_text().splitlines() if line.strip() and not re.match("[#!] ", line)]
    commands = [command for block in a_document(name).blocks.values() for command in block]
    read = [line for command in commands for line in (*f"$ {command.text}".splitlines(), *command.shown)]
    assert read == lines


def test_a_command_goes_on_behind_a_backslash_and_what_follows_is_shown() -> None:
    (command,) = a_document("user-guide").blocks["service display"]
    assert command.text == "bodywork service display \\\n    --namespace=my-classification-product"
    assert [line.split()[0] for line in command.shown] == ["SERVICE_URL", "http://my-classification-product--model-scoring-service:5000"]


def test_times_and_numbers_may_differ_and_nothing_else() -> None:
    printed = "began\niris-29384750  2026-11-21 10:00:00+00:00   1\n"
    assert_shows(printed, ["iris-1605214260    2020-11-12 20:51:04+00:00   1"])
    with pytest.raises(AssertionError, match="not printed"):
        assert_shows(printed, ["iris-1605214260    2020-11-12 20:51:04+00:00   0"])
    with pytest.raises(AssertionError, match="not in this place"):
        assert_shows(printed, ["iris-1605214260 2020-11-12 20:51:04+00:00 1", "began"])
