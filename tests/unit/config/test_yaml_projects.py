"""What a bodywork.yaml means: the Project that comes out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from problem_texts import GOOD, changed, said, write

from bodywork_compiler import config
from bodywork_compiler.project import Batch, Project, SecretVariable, Service, Stage

V12 = ('version: "1.1"', 'version: "1.2"')
NAME = "  name: iris\n"


def loaded(folder: Path, *changes: tuple[str, str]) -> Project:
    return config.load(write(folder, {"bodywork.yaml": changed(GOOD, *changes)})).project


def test_every_key_of_1_1_reaches_the_project(tmp_path: Path) -> None:
    given = "  namespace: ml\n  secrets_group: prod\n  run_on_failure: train\n  usage_stats: false\n"
    assert loaded(
        tmp_path, (NAME, NAME + given), ("    cpu_request: 0.5\n", "    cpu_request: 0.5\n    requirements: [joblib]\n")
    ) == Project(
        name="iris",
        object_name="iris",
        generation="1.1",
        config_file="bodywork.yaml",
        image="python:3.11",
        steps=(("train",), ("serve",)),
        stages=(
            Stage(
                name="train",
                object_name="train",
                label="train",
                executable="train.py",
                work=Batch(max_completion_time_seconds=60, retries=2),
                image="python:3.11",
                args=("--fast",),
                secrets=(SecretVariable(variable="TOKEN", secret="credentials", key="TOKEN"),),
                requirements=("joblib",),
                cpu_request=0.5,
                memory_request_mb=100,
            ),
            Stage(
                name="serve",
                object_name="serve",
                label="serve",
                executable="serve.py",
                work=Service(max_startup_time_seconds=30, replicas=1, port=5000, ingress=False),
                image="python:3.11",
                cpu_request=1,
                memory_request_mb=250,
            ),
        ),
        dag="train >> serve",
        failure_stage="train",
        namespace="ml",
        secrets_group="prod",
        log_level="INFO",
    )


def test_version_1_0_says_project(tmp_path: Path) -> None:
    project = loaded(tmp_path, ('"1.1"', '"1.0"'), ("pipeline:", "project:"))
    assert (project.generation, project.name, project.namespace) == ("1.0", "iris", None)


def test_version_1_0_calls_objects_project_and_stage(tmp_path: Path) -> None:
    changes = [
        ('"1.1"', '"1.0"'),
        ("pipeline:", "project:"),
        (NAME, "  name: Iris.X\n"),
        ("  train:", "  train__it:"),
        ("train >>", "train__it >>"),
    ]
    project = loaded(tmp_path, *changes)
    assert [(stage.object_name, stage.label) for stage in project.stages] == [
        ("iris-x--train--it", "train--it"),
        ("iris-x--serve", "serve"),
    ]


def test_what_a_version_does_not_know_is_said_to_be_ignored_and_is(tmp_path: Path) -> None:
    given = "  namespace: ml\n  secrets_group: [prod]\n  env: 7\n  name_prefix: x--\n"
    write(tmp_path, {"bodywork.yaml": GOOD.replace(NAME, NAME + given).replace('"1.1"', '"1.0"').replace("pipeline:", "project:")})
    found = config.load(tmp_path)
    assert (found.project.namespace, found.project.secrets_group, found.project.env) == (None, None, ())
    assert found.project.stage("train").object_name == "iris--train"
    assert sum("(ignored)" in str(each) for each in found.warnings) == 4


def test_a_prefix_is_in_front_of_what_stages_are_called(tmp_path: Path) -> None:
    project = loaded(tmp_path, ('"1.1"', '"1.2"'), (NAME, NAME + "  name_prefix: old--\n"))
    assert [(stage.object_name, stage.label) for stage in project.stages] == [("old--train", "train"), ("old--serve", "serve")]


def test_version_1_2_adds_what_users_asked_for(tmp_path: Path) -> None:
    pipeline = "  env: {STAGE_OF_LIFE: test}\n  image_pull_secrets: [registry]\n  pod_security: baseline\n  installer: pip\n"
    stage = "    env: {DEPTH: '3'}\n    image: acme/gpu:1\n    cpu_limit: 2\n    memory_limit_mb: 500\n    disk_limit_mb: 100000\n    requirements: ./train/requirements.txt\n"
    project = loaded(tmp_path, V12, (NAME, NAME + pipeline), ("    cpu_request: 0.5\n", "    cpu_request: 0.5\n" + stage))
    train = project.stage("train")
    assert (project.env, project.image_pull_secrets) == ((("STAGE_OF_LIFE", "test"),), ("registry",))
    assert (project.pod_security, project.installer) == ("baseline", "pip")
    assert (train.env, train.image, train.cpu_limit, train.memory_limit_mb) == ((("DEPTH", "3"),), "acme/gpu:1", 2, 500)
    assert (train.disk_limit_mb, project.stage("serve").disk_limit_mb) == (100_000, 20_000)
    assert (train.requirements, train.requirements_file) == ((), "train/requirements.txt")
    assert project.stage("serve").image == "python:3.11"


@pytest.mark.parametrize(("written", "cores"), [("0", 0), ("2", 2), ("0.25", 0.25), ("true", 1), ("false", 0), ("012", 10)], ids=str)
def test_cpu_is_any_number_and_even_a_truth_as_it_always_was(tmp_path: Path, written: str, cores: float) -> None:
    assert loaded(tmp_path, ("cpu_request: 0.5", f"cpu_request: {written}")).stage("train").cpu_request == cores


def test_whole_numbers_may_be_written_with_a_point(tmp_path: Path) -> None:
    work = loaded(tmp_path, ("retries: 2", "retries: 2.0")).stage("train").work
    assert work == Batch(max_completion_time_seconds=60, retries=2)
    assert isinstance(work, Batch)
    assert isinstance(work.retries, int)


def test_a_service_without_time_to_start_gets_a_minute(tmp_path: Path) -> None:
    work = loaded(tmp_path, ("max_startup_time_seconds: 30", "max_startup_time_seconds: 0")).stage("serve").work
    assert isinstance(work, Service)
    assert work.max_startup_time_seconds == 60


@pytest.mark.parametrize(
    "dag",
    ["train>>serve", "  train  > > serve ", ">-\n    train >>\n    serve", "|\n    train\n    >> serve", '"train >> serve\\n"'],
    ids=["none", "inside of an arrow", "folded", "lines", "quoted"],
)
def test_blanks_in_a_dag_do_not_count(tmp_path: Path, dag: str) -> None:
    assert loaded(tmp_path, ("train >> serve", dag)).steps == (("train",), ("serve",))


def test_a_batch_stage_may_come_again(tmp_path: Path) -> None:
    assert loaded(tmp_path, ("train >> serve", "train >> serve >> train")).steps == (("train",), ("serve",), ("train",))


def test_the_last_of_two_equal_keys_counts(tmp_path: Path) -> None:
    work = loaded(tmp_path, ("retries: 2", "retries: 2\n      retries: 3")).stage("train").work
    assert work == Batch(max_completion_time_seconds=60, retries=3)


def test_anchors_and_merges_mean_what_they_mean_to_every_yaml_reader(tmp_path: Path) -> None:
    anchored = ("    batch:\n", "    batch: &work\n")
    failure = "  check:\n    executable_module_path: check.py\n    cpu_request: 0\n    memory_request_mb: 0\n    batch:\n      retries: 9\n      <<: *work\n"
    project = loaded(tmp_path, anchored, ("logging:\n", failure + "logging:\n"), (NAME, NAME + "  run_on_failure: check\n"))
    assert project.stage("check").work == Batch(max_completion_time_seconds=60, retries=9)


def test_stages_that_no_step_names_are_left_out(tmp_path: Path) -> None:
    assert [stage.name for stage in loaded(tmp_path, ("train >> serve", "serve")).stages] == ["serve"]


@pytest.mark.parametrize("bom", ["", "\ufeff"], ids=["without", "with"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["unix", "dos"])
def test_a_byte_order_mark_and_the_ends_of_lines_do_not_count(tmp_path: Path, bom: str, line_end: str) -> None:
    write(tmp_path, {"bodywork.yaml": bom + GOOD.replace("\n", line_end)})
    assert config.load(tmp_path).warnings == ()


def test_names_are_cleaned_for_kubernetes_only(tmp_path: Path) -> None:
    project = loaded(tmp_path, (NAME, "  name: My.Iris\n"), ("  train:", "  Train_2:"), ("DAG: train", "DAG: Train_2"))
    assert (project.name, project.object_name, project.namespace) == ("My.Iris", "my.iris", "my-iris")
    assert [(stage.name, stage.object_name) for stage in project.stages] == [("Train_2", "train-2"), ("serve", "serve")]


def test_the_failure_stage_is_one_more_job_of_its_name(tmp_path: Path) -> None:
    changes = (NAME, NAME + "  run_on_failure: train\n"), ("  serve:", "  train-2:"), (">> serve", ">> train-2")
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    assert said(tmp_path) == [
        "bodywork.yaml:18:3: stages.train-2: `train-2` is called `train-2` in Kubernetes, as `train`, when it comes again, is; rename one of the two"
    ]
