"""`bodywork graph`: of projects in any state, in each form."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from builders import a_bare_copy, a_batch_stage, a_pipeline, a_project

from bodywork_compiler.cli import main


def test_a_project_needs_no_repository_to_be_drawn(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    assert main(["graph", str(tmp_path)]) == 0
    stdout, stderr = capfd.readouterr()
    assert stdout.splitlines()[0] == "iris: 2 steps, 2 stages"
    assert stderr == ""


def test_a_url_is_drawn_from_its_repository(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    url = a_bare_copy(a_pipeline(tmp_path / "iris", inside="models"), tmp_path / "iris.git").as_uri()
    assert main(["graph", url, "--folder", "models", "-o", "mermaid"]) == 0
    assert capfd.readouterr().out.startswith("flowchart LR\n")


def test_programs_get_the_steps(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    assert main(["graph", str(tmp_path / "bodywork.yaml"), "-o", "json"]) == 0
    steps = json.loads(capfd.readouterr().out)["steps"]
    assert [[box["name"] for box in step] for step in steps] == [["train"], ["serve"]]


def test_the_picture_is_shown_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path / "iris")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shown: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: not shown.append(address))
    assert main(["graph", str(tmp_path / "iris"), "--open"]) == 0
    file = Path(unquote(urlsplit(shown[0]).path))
    assert ET.fromstring(file.read_text()).tag.endswith("svg")
    assert capfd.readouterr().out.strip() == str(file)


@pytest.mark.parametrize("output", ["text", "mermaid", "svg"])
def test_a_terminal_of_an_older_encoding_gets_what_it_can_show(output: str, tmp_path: Path) -> None:
    a_project(tmp_path, stages={"train-日本": a_batch_stage()})
    environment = {"PATH": os.environ["PATH"], "PYTHONIOENCODING": "latin-1"}
    words = [sys.executable, "-m", "bodywork_compiler", "graph", "-o", output]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"train-" in done.stdout


def test_a_config_with_faults_is_told_with_its_place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path, dag="train >> serv")
    assert main(["graph", str(tmp_path)]) == 1
    assert "`serv`" in capfd.readouterr().err


def test_what_belongs_to_a_url_is_wrong_usage_for_a_folder(tmp_path: Path) -> None:
    assert main(["graph", str(tmp_path), "--branch", "main"]) == 2
