"""`bodywork migrate`: an earlier config in today's words, shown before it is written, with the same meaning."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from builders import a_project, write

from bodywork_compiler import config
from bodywork_compiler.cli import main

V1 = """\
# Our classification product.
[default]
PROJECT_NAME = iris
DOCKER_IMAGE = python:3.11

[workflow]
; training comes first
DAG = train >> serve

[logging]
LOG_LEVEL = INFO
"""
TRAIN = """\
# nightly
[default]
STAGE_TYPE = batch
EXECUTABLE_SCRIPT = train.py
# as measured
CPU_REQUEST = 0.5
MEMORY_REQUEST_MB = 100
[batch]
MAX_COMPLETION_TIME_SECONDS = 30
# the store is flaky
RETRIES = 2
[secrets]
AWS_KEY = s3
"""
SERVE = """\
[default]
STAGE_TYPE = service
EXECUTABLE_SCRIPT = serve.py
CPU_REQUEST = 0.25
MEMORY_REQUEST_MB = 50
[service]
MAX_STARTUP_TIME_SECONDS = 30
REPLICAS = 2
PORT = 5000
INGRESS = True
# the end
"""


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    write(tmp_path / "bodywork.ini", V1)
    for stage, text in (("train", TRAIN), ("serve", SERVE)):
        write(tmp_path / stage / "config.ini", text)
        write(tmp_path / stage / f"{stage}.py", "print(1)\n")
        write(tmp_path / stage / "requirements.txt", "" if stage == "serve" else "# pinned\nnumpy==2.4.6\nscikit-learn==1.9.1\n")
    return tmp_path


def migrated(folder: Path) -> str:
    assert main(["migrate", str(folder), "--write"]) == 0
    return (folder / "bodywork.yaml").read_text()


def test_it_is_shown_and_not_written(v1: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate", str(v1)]) == 0
    stdout, stderr = capfd.readouterr()
    assert "+version: '1.2'" in stdout
    assert "Nothing was written" in stderr
    assert not (v1 / "bodywork.yaml").exists()


def test_a_v1_project_means_the_same_afterwards(v1: Path) -> None:
    before = config.load(v1).project
    migrated(v1)
    after = config.load(v1, check_files=True, strict=False).project
    assert after.generation == "1.2"
    assert (after.name, after.image, after.steps) == (before.name, before.image, before.steps)
    for stage in before.stages:
        now = after.stage(stage.name)
        assert (now.executable, now.work, now.cpu_request, now.memory_request_mb, now.secrets) == (
            stage.executable,
            stage.work,
            stage.cpu_request,
            stage.memory_request_mb,
            stage.secrets,
        )
    assert after.stage("train").requirements == ("numpy==2.4.6", "scikit-learn==1.9.1")


def test_comments_stand_above_what_they_were_about(v1: Path) -> None:
    lines = [line.strip() for line in migrated(v1).splitlines()]

    def below(comment: str) -> str:
        return lines[lines.index(f"# {comment}") + 1]

    assert below("Our classification product.") == "pipeline:"
    assert below("training comes first") == "DAG: train >> serve"
    assert below("nightly") == "train:"
    assert below("as measured") == "cpu_request: 0.5"
    assert below("the store is flaky") == "retries: 2"
    assert below("the end") == "serve:"


def test_objects_keep_their_names(v1: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = config.load(v1).project
    capfd.readouterr()
    migrated(v1)
    stderr = capfd.readouterr().err
    assert "Objects keep their names, iris--STAGE" in stderr
    assert "bodywork apply --adopt all --namespace NS" in stderr
    assert not [line for line in stderr.splitlines() if line.lstrip().startswith(("- ", "+ "))]
    assert [(each.object_name, each.label) for each in before.stages] == [("iris--train", "train"), ("iris--serve", "serve")]
    assert [(each.object_name, each.label) for each in config.load(v1).project.stages] == [
        ("iris--train", "train"),
        ("iris--serve", "serve"),
    ]


def test_addresses_in_the_projects_files_that_lead_elsewhere_are_named(v1: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(
        v1 / "train" / "ask.py",
        "URL = 'http://iris--serve.ml-lab.svc.cluster.local:5000'\nNAME = 'iris--serve'\nNOT = 'my-iris--serve-2'\n",
    )
    write(
        v1 / "README.md",
        "curl http://localhost:8001/api/v1/namespaces/ml-lab/services/iris--serve:5000/proxy\ncurl http://host/iris/iris--serve/v1\n",
    )
    assert main(["migrate", str(v1)]) == 0
    stderr = capfd.readouterr().err
    assert "  README.md:1: iris--serve in namespace ml-lab, where this config says iris\n" in stderr
    assert "  train/ask.py:1: iris--serve in namespace ml-lab, where this config says iris\n" in stderr
    assert stderr.count("in namespace") == 2

    assert main(["migrate", str(v1), "--namespace", "ml-lab", "--write"]) == 0
    stderr = capfd.readouterr().err
    assert "  README.md:2: iris--serve in namespace iris, where this config says ml-lab\n" in stderr
    assert stderr.count("in namespace") == 1
    assert config.load(v1).project.namespace == "ml-lab"


def test_requirements_with_options_of_pip_stay_a_file(v1: Path) -> None:
    write(v1 / "train" / "requirements.txt", "--extra-index-url https://pypi.example.com/simple\nnumpy==2.4.6\n")
    written = yaml.safe_load(migrated(v1))
    assert written["stages"]["train"]["requirements"] == "train/requirements.txt"


def test_the_old_files_stay_and_it_is_said_that_nobody_reads_them(v1: Path, capfd: pytest.CaptureFixture[str]) -> None:
    migrated(v1)
    assert f"git -C {v1} rm bodywork.ini train/config.ini serve/config.ini" in capfd.readouterr().err
    assert (v1 / "bodywork.ini").is_file()


PREFIX = "  name_prefix: iris--\n"


def test_a_config_1_0_gets_a_prefix_and_keeps_every_comment(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    file = tmp_path / "bodywork.yaml"
    text = file.read_text().replace("version: '1.1'", '# ours\nversion: "1.0"   # old').replace("pipeline:", "project:   # here")
    file.write_text(text)
    expected = text.replace('"1.0"', '"1.2"').replace("project:", "pipeline:").replace("  name: iris\n", f"  name: iris\n{PREFIX}")
    assert migrated(tmp_path) == expected
    assert "The rendered objects are the same." in capfd.readouterr().err


def test_what_is_of_today_is_left_alone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    a_project(tmp_path)
    assert main(["migrate", str(tmp_path)]) == 1
    assert "is of version 1.1 already" in capfd.readouterr().err


def test_a_config_with_faults_is_told_first(v1: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(v1 / "bodywork.ini", V1.replace("train >> serve", "train >> serv"))
    assert main(["migrate", str(v1), "--write"]) == 1
    assert "serv" in capfd.readouterr().err
    assert not (v1 / "bodywork.yaml").exists()


ONE = """\
# ours
version: "1.0"   # old
project:
  name: iris
  docker_image: python:3.11
  DAG: train
stages:
  train:
    executable_module_path: train.py
    cpu_request: 0.5
    memory_request_mb: 100
    batch: {max_completion_time_seconds: 30, retries: 1}
logging: {log_level: INFO}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(ONE.replace("\n", "\r\n"), ONE.replace("\n", "\r\n"), id="line breaks of Windows"),
        pytest.param(f"\ufeff{ONE}", f"\ufeff{ONE}", id="a byte order mark"),
        pytest.param(ONE.replace(" # old", "\t# old"), ONE.replace(" # old", "\t# old"), id="a tab before a comment"),
        pytest.param(ONE.replace('"1.0"   # old', "|-\n  1.0"), ONE.replace('"1.0"   # old', "|-\n  1.0"), id="a block"),
        pytest.param(ONE.replace('"1.0"', "&v '1.0'"), ONE.replace('"1.0"', "&v '1.0'"), id="an anchor and other quotes"),
        pytest.param(ONE.replace("project:", '"project":'), ONE.replace("project:", '"project":'), id="a key in quotes, as JSON has it"),
    ],
)
def test_nothing_else_changes_in_a_file(before: str, after: str, tmp_path: Path) -> None:
    write(tmp_path / "train.py", "print(1)\n")
    (tmp_path / "bodywork.yaml").write_bytes(before.encode())
    assert main(["migrate", str(tmp_path), "--write"]) == 0
    end = "\r\n" if "\r\n" in after else "\n"
    expected = (
        after.replace("1.0", "1.2")
        .replace("project", "pipeline")
        .replace(f"  name: iris{end}", f"  name: iris{end}  name_prefix: iris--{end}")
    )
    assert (tmp_path / "bodywork.yaml").read_bytes() == expected.encode()
    assert main(["validate", str(tmp_path)]) == 0


def test_a_link_to_a_config_stays_a_link(tmp_path: Path) -> None:
    write(tmp_path / "configs" / "iris.yaml", ONE)
    (tmp_path / "bodywork.yaml").symlink_to("configs/iris.yaml")
    assert "pipeline:" in migrated(tmp_path)
    assert (tmp_path / "bodywork.yaml").is_symlink()


def test_a_name_that_only_v1_allowed_becomes_the_one_that_its_objects_have(v1: Path) -> None:
    write(v1 / "bodywork.ini", V1.replace("= iris", "= My Iris_Project"))
    assert yaml.safe_load(migrated(v1))["pipeline"]["name"] == "my-iris-project"


def test_the_comments_of_requirements_come_along(v1: Path) -> None:
    write(v1 / "train" / "requirements.txt", "# as in production\nnumpy==2.4.6  # with wheels\n\nscikit-learn==1.9.1\n# the end\n")
    text = migrated(v1)
    assert (
        """\
    # the end
    requirements:
    # as in production
    # with wheels
    - numpy==2.4.6
    - scikit-learn==1.9.1
"""
        in text
    )


def test_what_is_told_to_be_typed_names_the_folder(v1: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = v1.rename(v1.with_name("my project"))
    assert main(["migrate", str(folder)]) == 0
    assert f"bodywork migrate '{folder}' --write" in capfd.readouterr().err
    migrated(folder)
    stderr = capfd.readouterr().err
    assert f"git -C '{folder}' rm bodywork.ini train/config.ini" in stderr
    assert "their lines are in bodywork.yaml now: train/requirements.txt" in stderr


def test_a_dag_of_several_lines_becomes_one(v1: Path) -> None:
    write(v1 / "bodywork.ini", V1.replace("train >> serve", "train\n  >> serve"))
    assert "  DAG: train >> serve\n" in migrated(v1)


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        pytest.param(
            "{name: iris, docker_image: i:1, DAG: train}", '{"name_prefix": "iris--", name: iris, docker_image: i:1, DAG: train}', id="flow"
        ),
        pytest.param("\n  DAG: train\n  name: >-\n    iris\n  docker_image: i:1", None, id="a folded name"),
        pytest.param(
            "\n  DAG: train\n  docker_image: i:1\n  name: iris # last",
            "\n  DAG: train\n  docker_image: i:1\n  name: iris # last\n  name_prefix: iris--",
            id="last",
        ),
        pytest.param("\n    name: &n iris\n    docker_image: *n\n    DAG: train", None, id="an anchor"),
    ],
)
def test_however_the_section_is_written_the_names_stay(section: str, expected: str | None, tmp_path: Path) -> None:
    old = f"version: '1.0'\nproject: {section}\nstages:\n  train: {{executable_module_path: train.py, cpu_request: true, memory_request_mb: 0, batch: {{max_completion_time_seconds: 30, retries: 1}}}}\nlogging: {{log_level: INFO}}\n"
    write(tmp_path / "train.py", "print(1)\n")
    write(tmp_path / "bodywork.yaml", old)
    text = migrated(tmp_path)
    assert "cpu_request: 1," in text
    assert expected is None or expected in text
    (stage,) = config.load(tmp_path).project.stages
    assert (stage.object_name, stage.cpu_request) == ("iris--train", 1)


def test_keys_that_v2_never_read_become_comments(tmp_path: Path) -> None:
    write(tmp_path / "train.py", "print(1)\n")
    extra = ONE.replace("  DAG: train\n", "  DAG: train\n  namespace: x\n  owners:  # who\n    - me\n\n    - you\n")
    write(tmp_path / "bodywork.yaml", extra.replace("    cpu_request", "    gpu: [\n      1]\n    cpu_request"))
    text = migrated(tmp_path)
    assert "  # namespace: x\n  # owners:  # who\n  #   - me\n\n  #   - you\nstages:" in text
    assert "    # gpu: [\n    #   1]\n" in text
    assert config.load(tmp_path, strict=True).project.namespace is None


def test_what_cannot_be_rewritten_is_said_with_its_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "train.py", "print(1)\n")
    write(tmp_path / "bodywork.yaml", ONE.replace("batch: {", "batch: {colour: red, "))
    assert main(["migrate", str(tmp_path), "--write"]) == 1
    stderr = capfd.readouterr().err
    assert "bodywork.yaml: what migrate makes of it is not valid:\n  line 13 of the new text: `colour` is not a key of `batch`" in stderr
    assert 'version: "1.0"' in (tmp_path / "bodywork.yaml").read_text()
