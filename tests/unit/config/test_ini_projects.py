"""What a v1 project's files mean: the Project that comes out of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from problem_texts import GOOD_INI, changed, said, write

from bodywork_compiler import config
from bodywork_compiler.project import Batch, Project, SecretVariable, Service, Stage

CONFIG, TRAIN, SERVE = "bodywork.ini", "train/config.ini", "serve/config.ini"


def loaded(folder: Path, file: str = CONFIG, *changes: tuple[str, str]) -> Project:
    return config.load(write(folder, {**GOOD_INI, file: changed(GOOD_INI[file], *changes)})).project


def test_every_key_reaches_the_project(tmp_path: Path) -> None:
    assert loaded(tmp_path) == Project(
        name="iris",
        object_name="iris",
        generation="v1",
        config_file="bodywork.ini",
        image="python:3.11",
        steps=(("train",), ("serve",)),
        stages=(
            Stage(
                name="train",
                object_name="iris--train",
                label="train",
                executable="train/train.py",
                work=Batch(max_completion_time_seconds=60, retries=2),
                image="python:3.11",
                secrets=(SecretVariable(variable="TOKEN", secret="credentials", key="TOKEN"),),
                requirements_file="train/requirements.txt",
                cpu_request=0.5,
                memory_request_mb=100,
            ),
            Stage(
                name="serve",
                object_name="iris--serve",
                label="serve",
                executable="serve/serve.py",
                work=Service(max_startup_time_seconds=30, replicas=1, port=5000, ingress=False),
                image="python:3.11",
                cpu_request=0.25,
                memory_request_mb=100,
            ),
        ),
        dag="train >> serve",
        log_level="INFO",
    )


@pytest.mark.parametrize("quote", ['"', "'"])
def test_quotes_round_values_do_not_count(tmp_path: Path, quote: str) -> None:
    quoted = {
        name: "".join(
            f"{key} = {quote}{value}{quote}\n" if value else line
            for line in text.splitlines(keepends=True)
            for key, _, value in [line.strip().partition(" = ")]
        )
        for name, text in GOOD_INI.items()
        if name.endswith(".ini")
    }
    assert quoted[TRAIN].count(quote) == 14
    plain = loaded(tmp_path / "plain")
    assert config.load(write(tmp_path / "quoted", {**GOOD_INI, **quoted})).project == plain


def test_project_name_and_image_are_taken_in_lower_case(tmp_path: Path) -> None:
    project = loaded(tmp_path, CONFIG, ("iris", "Iris"), ("python:3.11", "Acme/Python:V1"))
    assert (project.name, project.image, project.stages[0].object_name) == ("iris", "acme/python:v1", "iris--train")


@pytest.mark.parametrize(("written", "ingress"), [("True", True), ("False", False), ('"True"', True)])
def test_ingress(tmp_path: Path, written: str, ingress: bool) -> None:  # noqa: FBT001 - a column of a table
    work = loaded(tmp_path, SERVE, ("PORT = 5000", f"PORT = 5000\nINGRESS = {written}")).stage("serve").work
    assert isinstance(work, Service)
    assert work.ingress is ingress


def test_values_may_refer_to_each_other(tmp_path: Path) -> None:
    image = loaded(tmp_path, CONFIG, ("DOCKER_IMAGE = python:3.11", 'REPO = "acme"\nDOCKER_IMAGE = "${REPO}/${logging:LOG_LEVEL}:1"')).image
    assert image == "acme/info:1"


def test_a_doubled_dollar_is_a_plain_one(tmp_path: Path) -> None:
    assert loaded(tmp_path, TRAIN, ("train.py", "cost$$.py")).stage("train").executable == "train/cost$.py"


@pytest.mark.parametrize(("written", "level"), [("WARN", "WARNING"), ("FATAL", "CRITICAL"), ("NOTSET", "DEBUG"), ("ERROR", "ERROR")])
def test_log_levels_by_all_their_names(tmp_path: Path, written: str, level: str) -> None:
    assert loaded(tmp_path, CONFIG, ("INFO", written)).log_level == level


def test_only_stages_of_the_dag_are_read(tmp_path: Path) -> None:
    write(tmp_path, {"broken/config.ini": "[[["})
    assert [stage.name for stage in loaded(tmp_path).stages] == ["train", "serve"]


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing yet\n"], ids=["empty", "blank", "comment"])
def test_requirements_that_ask_for_nothing_are_none(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, "train/requirements.txt", ("joblib\n", text)).stage("train").requirements_file is None


def test_a_stage_needs_its_requirements_file(tmp_path: Path) -> None:
    write(tmp_path, GOOD_INI)
    (tmp_path / "train/requirements.txt").unlink()
    assert said(tmp_path) == ["train/requirements.txt: not found; make an empty one if the stage needs nothing"]


def test_all_problems_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    files = {CONFIG: ("INFO", "LOUD"), TRAIN: ("0.5", "half"), SERVE: ("[service]", "[service")}
    write(tmp_path, {**GOOD_INI, **{name: changed(GOOD_INI[name], change) for name, change in files.items()}})
    assert [line.partition(": ")[0] for line in said(tmp_path)] == ["bodywork.ini:9:13", "serve/config.ini:7:1", "train/config.ini:4:15"]


def test_scripts_are_looked_for_on_demand(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD_INI, "serve/serve.py": ""})
    assert said(tmp_path) == []
    assert said(tmp_path, check_files=True) == ["train/train.py: not found, although train/config.ini names it"]
