"""What holds for every example without a cluster; tests/cluster/test_examples.py runs each for real."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bodywork_compiler import config
from bodywork_compiler.cli import main

EXAMPLES = Path(__file__).parent.parent / "examples"
PROJECTS = sorted(folder for folder in EXAMPLES.iterdir() if folder.is_dir())


@pytest.fixture(params=PROJECTS, ids=lambda folder: folder.name)
def example(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.param
    return folder


def test_it_is_valid_without_a_warning(example: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(example)
    assert main(["validate", "--check-files", "--strict"]) == 0
    said = capsys.readouterr()
    (config_file,) = example.glob("bodywork.*")
    assert said.out + said.err == f"--> {config_file.name} is a valid Bodywork config file.\n"


def test_every_requirement_is_pinned(example: Path) -> None:
    stages = config.load(example).project.stages
    files = [example / stage.requirements_file for stage in stages if stage.requirements_file]
    requirements = [line for stage in stages for line in stage.requirements] + [line for file in files for line in file.read_text().split()]
    assert [line for line in requirements if not re.fullmatch(r"[\w-]+==[\d.]+", line)] == []


def test_it_says_what_it_shows(example: Path) -> None:
    assert (example / "README.md").read_text().startswith("# ")
    assert f"]({example.name}/)" in (EXAMPLES / "README.md").read_text()


def test_both_forms_of_train_and_serve_have_the_same_toy_s3_and_data() -> None:
    modern, v1 = EXAMPLES / "train-and-serve", EXAMPLES / "train-and-serve-v1"
    assert (modern / "toy-s3.yaml").read_text() == (v1 / "toy-s3.yaml").read_text()
    assert (modern / "iris.csv").read_text() == (v1 / "stage-1-train-model" / "iris.csv").read_text()
