"""Which kubectl is started for a dry run, and what it is given."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.rehearsal import Call, Key, calls

FREE = "0a1b2c3d"


def an_object(kind: str, name: str, namespace: str | None = None, **fields: Any) -> KubeObject:
    labels = {"bodywork/pipeline": "iris", "bodywork/stage": name}
    metadata = {"name": name, "labels": labels, **({"namespace": namespace} if namespace else {})}
    return KubeObject({"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields})


def planned(*objects: KubeObject, standing: set[Key] | None = None) -> list[Call]:
    return calls(objects, standing or set(), namespace="lab", free=FREE)


def names(call: Call) -> list[str]:
    return [json.loads(line)["metadata"]["name"] for line in call.stdin.splitlines()]


LARGE = {"data": {"a": "x" * 250_000}}


@pytest.mark.parametrize(
    ("found", "standing", "verb"),
    [
        pytest.param(an_object("Deployment", "a"), False, "apply", id="most-are-applied"),
        pytest.param(an_object("Deployment", "a"), True, "apply", id="also-when-they-are-there"),
        pytest.param(an_object("Secret", "a"), False, "create", id="a-new-secret"),
        pytest.param(an_object("Secret", "a"), True, "replace", id="a-secret"),
        pytest.param(an_object("ConfigMap", "a"), True, "apply", id="a-small-configmap"),
        pytest.param(an_object("ConfigMap", "a", **LARGE), False, "create", id="a-new-large-configmap"),
        pytest.param(an_object("ConfigMap", "a", **LARGE), True, "replace", id="a-large-configmap"),
    ],
)
def test_as_a_run_would_bring_it_there(found: KubeObject, standing: bool, verb: str) -> None:  # noqa: FBT001 - a table's column
    (call,) = planned(found, standing={Key(found.kind, "a")} if standing else set())
    assert call.words == (verb, "--dry-run=server", "-f", "-")


def test_what_goes_together_is_one_call() -> None:
    (call,) = planned(an_object("Job", "train"), an_object("Deployment", "serve"), an_object("Service", "serve", "lab"))
    assert names(call) == ["train", "serve", "serve"]
    assert call.namespace is None


def test_objects_of_another_namespace_are_asked_about_there() -> None:
    ours, theirs = planned(an_object("Job", "train", "lab"), an_object("Service", "board", "monitoring"))
    assert (ours.namespace, theirs.namespace) == (None, "monitoring")
    assert theirs.key("Service", "board") == Key("Service", "board", "monitoring")


def test_a_job_that_is_there_is_asked_about_under_a_free_name_and_known_by_its_own() -> None:
    (call,) = planned(an_object("Job", "train"), an_object("Job", "other"), standing={Key("Job", "train")})
    assert names(call) == [f"train-{FREE}", "other"]
    assert call.key("Job", f"train-{FREE}") == Key("Job", "train")
    assert call.key("Job", "other") == Key("Job", "other")


def test_a_free_name_is_no_longer_than_names_may_be() -> None:
    name = "n" * 62 + "z"
    (call,) = planned(an_object("Job", name), standing={Key("Job", name)})
    (renamed,) = names(call)
    assert len(renamed) <= 63
    assert renamed.endswith(FREE)
    assert call.key("Job", renamed).name == name


def test_objects_travel_one_a_line_for_a_list_would_be_checked_by_kubectl_itself() -> None:
    (call,) = planned(an_object("Job", "a"), an_object("Job", "b", spec={"text": "two\nlines 😀"}))
    assert [json.loads(line)["kind"] for line in call.stdin.splitlines()] == ["Job", "Job"]
