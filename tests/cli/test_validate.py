"""`bodywork validate`, whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import a_config

from bodywork_compiler.cli import main


@pytest.fixture
def validate(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write a config in an empty folder and validate it there: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*args: str, file: str = "bodywork.yaml", **changed: Any) -> tuple[int, str, str]:
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(a_config(**changed), sort_keys=False), encoding="utf-8")
        code = main(["validate", *args])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_good_config(validate: Any) -> None:
    assert validate() == (0, "--> bodywork.yaml is a valid Bodywork config file.\n", "")


def test_warnings_come_before_and_elsewhere(validate: Any) -> None:
    code, out, err = validate(docker_image="python")
    assert (code, out) == (0, "--> bodywork.yaml is a valid Bodywork config file.\n")
    assert err.startswith("bodywork.yaml:4:17: pipeline.docker_image: `python` has no tag")
    assert err.endswith("[warning]\n")


def test_a_bad_config(validate: Any) -> None:
    code, out, err = validate(docker_image="python", dag="train >> srve")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == "1 error, 2 warnings in bodywork.yaml"
    assert "    DAG: train >> srve\n                  ^^^^ did you mean `serve`?\n" in err


def test_strict(validate: Any) -> None:
    assert validate("--strict")[0] == 0
    code, _, err = validate("--strict", docker_image="python")
    assert (code, err.splitlines()[-1]) == (1, "1 error in bodywork.yaml")


@pytest.mark.parametrize("spelling", [["--check-files"], ["--file=bodywork.yaml", "--check-files"]], ids=["alone", "as earlier versions"])
def test_check_files(validate: Any, spelling: list[str], tmp_path: Path) -> None:
    code, _, err = validate(*spelling)
    assert code == 1
    assert err.splitlines()[0] == "serve/main.py: not found, although stages.serve.executable_module_path names it"
    for script in ("train/main.py", "serve/main.py"):
        (tmp_path / script).parent.mkdir()
        (tmp_path / script).touch()
    assert validate(*spelling)[0] == 0


@pytest.mark.parametrize("args", [["--file=x.yaml"], ["--file", "x.yaml"], ["x.yaml"]], ids=["with =", "option", "path of a file"])
def test_another_file(validate: Any, args: list[str]) -> None:
    assert validate(*args, file="x.yaml") == (0, "--> x.yaml is a valid Bodywork config file.\n", "")


@pytest.mark.parametrize("path", ["iris", "iris/", "./iris", "iris/bodywork.yaml"])
def test_another_folder(validate: Any, path: str) -> None:
    assert validate(path, file="iris/bodywork.yaml")[1] == "--> iris/bodywork.yaml is a valid Bodywork config file.\n"


def test_no_config_at_all(validate: Any) -> None:
    code, out, err = validate("--file=gone.yaml")
    assert (code, out, err) == (1, "", "gone.yaml: not found\n\n1 error in gone.yaml\n")


def test_json_is_one_document(validate: Any) -> None:
    code, out, err = validate("-o", "json", docker_image="python", dag="train >> srve")
    said = json.loads(out)
    assert (code, err, said["valid"]) == (1, "", False)
    assert {problem["severity"] for problem in said["problems"]} == {"error", "warning"}
    assert said["problems"][0] == {
        "severity": "warning",
        "file": "bodywork.yaml",
        "line": 4,
        "column": 17,
        "path": "pipeline.docker_image",
        "message": "`python` has no tag, which means `latest`: what it names may change between two runs",
        "hint": "name a version, or a digest (`NAME@sha256:…`)",
    }


def test_json_of_a_good_config(validate: Any) -> None:
    code, out, _ = validate("-o", "json")
    assert (code, json.loads(out)) == (0, {"valid": True, "problems": []})


def test_a_file_that_is_not_there_is_annotated_where_the_config_names_it(validate: Any) -> None:
    code, out, _ = validate("--check-files", "-o", "github")
    assert code == 1
    lines = Path("bodywork.yaml").read_text(encoding="utf-8").splitlines()
    line = 1 + next(number for number, line in enumerate(lines) if "train/main.py" in line)
    assert f"::error file=bodywork.yaml,line={line},col=" in out
    assert "::train/main.py: not found, although stages.train.executable_module_path names it" in out


def test_annotations_for_github(validate: Any) -> None:
    code, out, err = validate("-o", "github", docker_image="python", dag="train >> srve")
    assert (code, err) == (1, "")
    assert [line.partition("::p")[0] for line in out.splitlines()][:2] == [
        "::warning file=bodywork.yaml,line=4,col=17",
        "::error file=bodywork.yaml,line=5,col=17",
    ]


def test_wrong_usage(validate: Any) -> None:
    assert validate("-o", "xml")[0] == 2
