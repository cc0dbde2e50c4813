"""`bodywork init`: projects that are valid at once, and nothing of anybody else's overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from builders import a_project, write

from bodywork_compiler.cli import main
from bodywork_compiler.starting.projects import TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_project_is_valid_without_a_warning(template: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "My first Pipeline"
    assert main(["init", str(folder), "--template", template]) == 0
    assert main(["validate", str(folder), "--check-files", "--strict"]) == 0
    config = yaml.safe_load((folder / "bodywork.yaml").read_text())
    assert config["pipeline"]["name"] == "my-first-pipeline"
    assert f"cd '{folder}'" in capfd.readouterr().out


def test_scripts_that_are_there_are_proposed_as_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "train.py", "import a_module_that_nobody_has\nprint('trained')\n")
    assert main(["init", "--name", "iris"]) == 0
    stdout, stderr = capfd.readouterr()
    assert "wrote bodywork.yaml" in stdout
    assert "no version is known of a_module_that_nobody_has" in stderr
    assert main(["validate", "--check-files", "--strict"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"train.py", "bodywork.yaml", "bodywork.schema.json"}


def test_editors_find_the_schema_that_the_config_names(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "iris")]) == 0
    first = (tmp_path / "iris" / "bodywork.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=bodywork.schema.json"
    assert (tmp_path / "iris" / "bodywork.schema.json").is_file()


def test_no_file_is_overwritten_and_none_is_left_half_way(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "serve.py", "mine = 1\n")
    assert main(["init", str(tmp_path), "--template", "service"]) == 1
    assert "serve.py" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["serve.py"]


def test_a_project_is_not_begun_twice(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    assert main(["init", str(tmp_path)]) == 1
    assert "holds a Bodywork config already" in capfd.readouterr().err


def test_a_dry_run_shows_and_writes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "iris"), "--template", "batch", "--dry-run"]) == 0
    assert "executable_module_path: score_data.py" in capfd.readouterr().out
    assert not (tmp_path / "iris").exists()


def test_a_name_that_kubernetes_would_refuse_is_told_with_a_proposal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "iris"), "--name", "My Iris"]) == 2
    assert "`my-iris` would do" in capfd.readouterr().err


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "file", "")
    assert main(["init", str(tmp_path / "file" / "iris"), "--template", "batch"]) == 1
    assert "nothing is written" in capfd.readouterr().err
