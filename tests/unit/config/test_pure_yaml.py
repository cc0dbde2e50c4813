"""Where PyYAML has no libyaml, its own parser reads the same: slower, with the same values, places and words for what is in the table."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from problem_texts import GOOD, changed, found, said, write

from bodywork_compiler import config

FAULTS = {
    "good": [],
    "wrong value": [("retries: 2", "retries: -1")],
    "key twice": [("retries: 2", "retries: 2\n      retries: 3")],
    "tab": [("    cpu_request: 0.5", "\tcpu_request: 0.5")],
    "unknown stage": [("train >> serve", "train >> serv")],
    "two documents": [("logging:\n", "---\nlogging:\n")],
    "unknown alias": [("iris", "*iris")],
    "colon": [("train >> serve", "train: serve")],
    "control character": [("iris", "ir\x07is")],
    "character that begins nothing": [("iris", "@iris")],
}


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="there is nothing to compare with")
@pytest.mark.parametrize("changes", FAULTS.values(), ids=FAULTS.keys())
def test_says_the_same(tmp_path: Path, changes: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    by_libyaml = said(tmp_path)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert said(tmp_path) == by_libyaml


def test_means_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"bodywork.yaml": GOOD})
    by_libyaml = config.load(tmp_path)
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert config.load(tmp_path) == by_libyaml


@pytest.mark.parametrize(
    "text", ["[" * 5_000, "- " * 5_000 + "x", '"\\ud800"', "a: &a [*a]"], ids=["lists", "blocks", "half a character", "circle"]
)
def test_refuses_what_explodes_or_cannot_be_written(tmp_path: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    assert len(found(write(tmp_path, {"bodywork.yaml": text}))) == 1


def test_half_a_character_is_no_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml, "__with_libyaml__", False)
    write(tmp_path, {"bodywork.yaml": changed(GOOD, ('"--fast"', '"\\ud800"'))})
    assert said(tmp_path) == ["bodywork.yaml:9:12: this escape is no character"]
