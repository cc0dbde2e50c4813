"""Historic projects, migrated, render to the same objects."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import write
from historic_projects import SHAPES

from bodywork_compiler import config
from bodywork_compiler.cli import main
from bodywork_compiler.compiler import RenderOptions, compile_project
from bodywork_compiler.source import Source
from bodywork_compiler.starting.migrate import differences

SOURCE = Source(commit="0" * 40, url="https://git.example.com/acme/models.git")


@pytest.mark.parametrize("files", SHAPES.values(), ids=list(SHAPES))
def test_it_renders_to_the_same_objects(files: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for file, text in files.items():
        write(tmp_path / file, text)
    before = config.load(tmp_path).project
    assert main(["migrate", str(tmp_path), "--write"]) == 0
    after = config.load(tmp_path, strict=True).project
    assert after.generation == "1.2"
    for options in (RenderOptions(), RenderOptions(namespace="lab")):
        assert differences(compile_project(before, SOURCE, options), compile_project(after, SOURCE, options)) == []
    assert "The rendered objects are the same." in capfd.readouterr().err
    assert main(["migrate", str(tmp_path)]) == 1, "there is nothing more to do"
