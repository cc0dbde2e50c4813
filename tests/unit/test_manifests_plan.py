"""Objects read back → a plan: order and role by labels, one pipeline, whatever an overlay has done to names."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import yaml

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Plan, load_file, load_folder, load_stream, to_json

HOSTILE = [
    "",
    " ",
    "y",
    "N",
    "0o17",
    "1e3",
    "25921e05",
    "null",
    "~",
    "2024-01-01",
    "12:30",
    '"',
    "'",
    "\\",
    "a: b",
    "# no comment",
    "--- ",
    "{{ x }}",
    "${X}",
    "$(HOME)",
    "line\nline\n",
    "\ttab",
    "ends with space ",
    "größe",
    "🚀",
    "\x7f\x85\u2028\ufeff",
    "x" * 10_000,
]


def an_object(kind: str, name: str, *, step: str | None = None, pipeline: str | None = "iris", **more: Any) -> dict[str, Any]:
    marks = {labels.PIPELINE: pipeline, labels.STEP: step, labels.STAGE: more.pop("stage", None), labels.ROLE: more.pop("role", None)}
    metadata = {"name": name, "labels": {key: value for key, value in marks.items() if value is not None}}
    if namespace := more.pop("namespace", None):
        metadata["namespace"] = namespace
    return {"apiVersion": more.pop("apiVersion", "v1"), "kind": kind, "metadata": metadata, **more}


def a_job(name: str, step: str | None, **more: Any) -> dict[str, Any]:
    return an_object("Job", name, step=step, stage=name, apiVersion="batch/v1", **more)


def the_facts(name: str = "bodywork-iris", **data: str) -> dict[str, Any]:
    return an_object("ConfigMap", name, step="0", data=data or {"dag": "train"})


def plan(*objects: dict[str, Any]) -> Plan:
    return load_stream(yaml.safe_dump_all(objects), "standard input")


def names(read: Plan) -> dict[int, list[str]]:
    return {step.number: [found.name for found in step.objects] for step in read.steps}


def test_steps_come_by_number_and_objects_as_they_stand() -> None:
    read = plan(a_job("c", "10"), a_job("b", "2"), a_job("a", "2"), an_object("Namespace", "iris", step="0"))
    assert names(read) == {0: ["iris"], 2: ["b", "a"], 10: ["c"]}
    assert list(names(read)) == [0, 2, 10]
    assert read.pipeline == "iris"


def test_objects_of_others_belong_to_the_set_up() -> None:
    other = an_object("ConfigMap", "theirs", pipeline=None, step="7")
    assert names(plan(a_job("train", "1"), other)) == {0: ["theirs"], 1: ["train"]}


def test_the_failure_stage_is_in_no_step() -> None:
    read = plan(a_job("train", "1"), a_job("alert", None, role=labels.ROLE_ON_FAILURE))
    assert read.on_failure is not None
    assert read.on_failure.name == "alert"
    assert names(read) == {1: ["train"]}


def test_lists_are_opened() -> None:
    inner = {"apiVersion": "v1", "kind": "List", "items": [a_job("b", "2")]}
    read = plan({"apiVersion": "v1", "kind": "List", "items": [a_job("a", "1"), inner]})
    assert names(read) == {1: ["a"], 2: ["b"]}
    assert read.steps[1].objects[0].origin == "standard input, document 1, item 2, item 1"


@pytest.mark.parametrize("name", ["bodywork-iris", "prod-bodywork-iris", "bodywork-iris-v2"])
def test_facts_are_found_under_an_overlays_name(name: str) -> None:
    scripts = an_object("ConfigMap", "prod-bodywork-iris-scripts-1a2b", step="0", immutable=True, data={"fetch": "#!/bin/sh"})
    assert plan(scripts, the_facts(name, dag="a >> b"), a_job("a", "1")).facts == {"dag": "a >> b"}


def test_without_facts_there_are_none() -> None:
    assert plan(a_job("a", "1")).facts == {}


def test_the_namespace_is_the_one_that_our_objects_name() -> None:
    monitor = an_object("ServiceMonitor", "theirs", pipeline=None, namespace="monitoring")
    assert plan(a_job("a", "1", namespace="prod"), the_facts(), monitor).namespace == "prod"
    assert plan(a_job("a", "1"), monitor).namespace is None


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([], "standard input: is empty"),
        ([an_object("ConfigMap", "theirs", pipeline=None)], "no object names a pipeline"),
        ([a_job("a", "1"), a_job("b", "1", pipeline="other")], "objects of 2 pipelines: iris, other"),
        ([a_job("a", "1", namespace="prod"), a_job("b", "1", namespace="test")], "in 2 namespaces: prod, test"),
        ([a_job("a", "1"), a_job("a", "2")], "Job a is there twice, and not alike: standard input, document 1; standard input, document 2"),
        ([a_job("a", role=labels.ROLE_ON_FAILURE, step=None), a_job("b", role=labels.ROLE_ON_FAILURE, step=None)], "Job a, Job b"),
        ([a_job("a", "one")], "document 1: Job a: label bodywork/step must be a number from 0 on, got 'one'"),
        ([a_job("a", "-1")], "bodywork/step must be empty, or at most 63 letters"),
        ([{"kind": "Job", "metadata": {"name": "a"}}], "document 1: has no apiVersion"),
        ([{"apiVersion": "v1", "metadata": {"name": "a"}}], "document 1: has no kind"),
        ([{"apiVersion": "v1", "kind": "Job"}], "document 1: Job has no metadata.name"),
        ([{"apiVersion": "v1", "kind": "Job", "metadata": {"name": 5}}], "Job has no metadata.name"),
        ([["a"]], "document 1: is no Kubernetes object, but a list"),
        ([{**a_job("a", "1"), "items": []}], "document 1: has `items`, which only a List has"),
        ([{**a_job("a", "1"), "items": None}], "document 1: has `items`, which only a List has"),
        (["text"], "but a text"),
        (
            [{"apiVersion": "v1", "kind": "Job", "metadata": {"name": "a", "labels": {"bodywork/step": 1}}}],
            "bodywork/step must be a string, got a number",
        ),
        (
            [{"apiVersion": "v1", "kind": "Job", "metadata": {"name": "a", "annotations": ["x"]}}],
            "annotations must be a mapping, got a list",
        ),
        ([{"apiVersion": "v1", "kind": "Job", "metadata": {"name": "a", "namespace": 5}}], "namespace must be a string"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_place(objects: list[Any], said: str) -> None:
    with pytest.raises(BodyworkError) as refused:
        load_stream(yaml.safe_dump_all(objects) if objects else "", "standard input")
    assert said in refused.value.message


@pytest.mark.parametrize(("kind", "key"), [("Job", "suspend"), ("Deployment", "paused")])
def test_a_stage_that_nobody_lets_begin_is_refused_with_its_place(kind: str, key: str) -> None:
    labels = {"bodywork/pipeline": "iris", "bodywork/stage": "train", "bodywork/step": "1"}
    stage = {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": "train", "labels": labels}, "spec": {key: True}}
    with pytest.raises(BodyworkError, match=f"standard input, document 1: {kind} train: spec.{key} is true") as refused:
        load_stream(json.dumps(stage), "standard input")
    assert "overlay" in str(refused.value.hint)
    failure_stage = {**stage, "metadata": {"name": "train", "labels": {**labels, "bodywork/role": "on-failure"}}}
    no_stage = {**stage, "metadata": {"name": "migrate", "labels": {"bodywork/pipeline": "iris"}}}
    assert load_stream(f"{json.dumps(no_stage)}\n---\n{json.dumps(failure_stage)}", "standard input").on_failure


def test_the_same_name_in_another_group_or_kind_is_another_object() -> None:
    read = plan(a_job("a", "1"), an_object("Deployment", "a", step="1", apiVersion="apps/v1"), an_object("Service", "a", step="1"))
    assert names(read) == {1: ["a", "a", "a"]}


def test_an_object_that_changed_its_version_only_is_the_same_one() -> None:
    with pytest.raises(BodyworkError, match="there twice"):
        plan(a_job("a", "1"), an_object("Job", "a", step="1", stage="a", apiVersion="batch/v1beta1"))


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_reach_kubectl_unharmed(value: str) -> None:
    """Our renderer writes double-quoted scalars; kustomize and people write them otherwise, when they are the same to them."""
    body = a_job("a", "1", data={"value": value})
    text = yaml.safe_dump(body, default_style='"')
    sent = json.loads(to_json(load_stream(text, "x").steps[0].objects))
    assert sent["kind"] == "List"
    assert sent["items"] == [body]


def test_what_kubectl_gets_is_plain_ascii() -> None:
    assert to_json(plan(a_job("a", "1", data={"v": "🚀"})).steps[0].objects).isascii()


def test_a_folder_is_read_recursively_in_name_order(tmp_path: Path) -> None:
    for path, name in {"b/1.yml": "b1", "a/x/1.yaml": "ax1", "a/2.json": "a2", "c.yaml": "c"}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(json.dumps(a_job(name, "1")))
    (tmp_path / "README.md").write_text("# not a manifest")
    read = load_folder(tmp_path, kustomize=lambda _: pytest.fail("is no kustomization"))
    assert names(read) == {1: ["a2", "ax1", "b1", "c"]}
    assert read.steps[0].objects[0].origin == f"{tmp_path}/a/2.json, document 1"


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_kustomization_is_built(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("resources: [a.yaml]")
    (tmp_path / "a.yaml").write_text("not: read")
    asked: list[Path] = []

    def kustomize(folder: Path) -> str:
        asked.append(folder)
        return yaml.safe_dump(a_job("built", "1"))

    assert names(load_folder(tmp_path, kustomize)) == {1: ["built"]}
    assert asked == [tmp_path]


def test_a_folder_that_a_crash_left_half_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(json.dumps(a_job("a", "1")))
    (tmp_path / ".bodywork-render.under-way").mkdir()
    with pytest.raises(BodyworkError, match="half written"):
        load_folder(tmp_path, lambda _: "")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\xff\xfe", "is not UTF-8"), (b"a: [", "all.yaml"), (None, "cannot be read: No such file")]
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "all.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BodyworkError, match=said):
        load_file(file)


def test_a_pipe_that_a_user_names_is_read(tmp_path: Path) -> None:
    """`bodywork diff <(kustomize build)`"""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=(json.dumps(a_job("a", "1")),))
    writer.start()
    assert [len(step.objects) for step in load_file(tmp_path / "pipe").steps] == [1]
    writer.join()


def test_a_folder_without_manifests_is_told(tmp_path: Path) -> None:
    with pytest.raises(BodyworkError, match="holds no manifests"):
        load_folder(tmp_path, lambda _: "")
