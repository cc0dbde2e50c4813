"""What apply would change: from a manifest, the object in the cluster, and the server's dry run."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.preview.difference import change
from bodywork_compiler.preview.values import Change, Difference, Left

Object = dict[str, Any]
SERVERS_OWN = {
    "uid": "1b",
    "resourceVersion": "17",
    "generation": 3,
    "creationTimestamp": "2026-01-01T00:00:00Z",
    "managedFields": [{"manager": "kubectl"}],
}


def a_deployment(image: str = "python:3.11", **metadata: Any) -> Object:
    spec = {"replicas": 1, "template": {"spec": {"containers": [{"name": "stage", "image": image}]}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "serve", **metadata}, "spec": spec}


def a_job(uid: str, name: str = "train", *, image: str = "python:3.11") -> Object:
    """As the server keeps it: with a selector and labels that name its uid."""
    own = {"batch.kubernetes.io/controller-uid": uid, "controller-uid": uid, "batch.kubernetes.io/job-name": name, "job-name": name}
    template = {"metadata": {"labels": {"bodywork/stage": "train", **own}}, "spec": {"containers": [{"name": "stage", "image": image}]}}
    spec = {"backoffLimit": 0, "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}, "template": template}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train", "uid": uid}, "spec": spec, "status": {"succeeded": 1}}


def a_secret(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "data": data}


def compared(live: Object | None, rehearsed: Object) -> Change:
    return change(KubeObject(rehearsed), 1, live, rehearsed if live else None)


def changed_lines(found: Change) -> list[str]:
    return [line for line in found.diff if line[:1] in "+-" and not line.startswith(("+++", "---"))]


def test_what_the_server_sets_is_no_difference() -> None:
    said = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "deployment.kubernetes.io/revision": "4"}
    live = {**a_deployment(annotations=said, **SERVERS_OWN), "status": {"replicas": 1}}
    assert compared(live, a_deployment()) == Change(step=1, stage=None, kind="Deployment", name="serve", namespace=None, action="same")


def test_what_changed_is_shown_and_nothing_else() -> None:
    found = compared(a_deployment("python:3.11", **SERVERS_OWN), a_deployment("python:3.12"))
    assert found.action == "changed"
    assert changed_lines(found) == ["-      - image: python:3.11", "+      - image: python:3.12"]
    assert found.diff[:2] == ("--- Deployment/serve in the cluster", "+++ Deployment/serve in the manifests")


def test_other_annotations_are_compared() -> None:
    before = a_deployment(annotations={"bodywork/git-commit": "aaa", "deployment.kubernetes.io/revision": "4"})
    found = compared(before, a_deployment(annotations={"bodywork/git-commit": "bbb"}))
    assert changed_lines(found) == ["-    bodywork/git-commit: aaa", "+    bodywork/git-commit: bbb"]


def test_a_job_is_the_same_whatever_its_uid_and_the_name_of_its_dry_run() -> None:
    assert compared(a_job("1b"), a_job("2c", "train-0a1b2c3d")).action == "same"


def test_a_changed_job_is_a_replacement() -> None:
    found = compared(a_job("1b"), a_job("2c", "train-0a1b2c3d", image="python:3.12"))
    assert found.action == "replaced"
    assert changed_lines(found) == ["-      - image: python:3.11", "+      - image: python:3.12"]


def test_what_is_not_there_is_new_and_shown_as_it_was_written() -> None:
    found = compared(None, a_deployment())
    assert found.action == "new"
    assert found.diff[0] == "--- /dev/null"
    assert "+  name: serve" in found.diff
    assert not any(line.startswith("-") for line in found.diff[1:])


@pytest.mark.parametrize(
    ("live", "rehearsed", "shown"),
    [
        pytest.param(a_secret(KEY="b2xk"), a_secret(KEY="bmV3"), ["-  KEY: '*** (before)'", "+  KEY: '*** (after)'"], id="changed"),
        pytest.param(a_secret(KEY="b2xk"), a_secret(KEY="b2xk", MORE="bmV3"), ["+  MORE: '***'"], id="added"),
        pytest.param(a_secret(KEY="b2xk", MORE="bmV3"), a_secret(KEY="b2xk"), ["-  MORE: '***'"], id="gone"),
    ],
)
def test_the_values_of_a_secret_are_masked(live: Object, rehearsed: Object, shown: list[str]) -> None:
    found = compared(live, rehearsed)
    assert changed_lines(found) == shown
    assert not any(value in line for line in found.diff for value in ("b2xk", "bmV3"))


def test_a_new_secret_is_masked_in_both_its_fields() -> None:
    found = compared(None, {**a_secret(KEY="b2xk"), "stringData": {"OTHER": "hunter2"}})
    assert [line for line in found.diff if "KEY" in line or "OTHER" in line] == ["+  KEY: '***'", "+  OTHER: '***'"]
    assert "hunter2" not in "".join(found.diff)


def test_an_archive_is_told_from_another_without_being_printed() -> None:
    before: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "source"}, "binaryData": {"a": "QUJD" * 9000}}
    after = copy.deepcopy(before)
    after["binaryData"]["a"] = "REVG" * 9000
    found = compared(before, after)
    assert found.action == "changed"
    assert all(len(line) < 100 for line in found.diff)


def test_text_of_several_lines_is_compared_line_by_line() -> None:
    def scripts(text: str) -> Object:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "scripts"}, "data": {"run.py": text}}

    found = compared(scripts("import os\nprint(1)\n"), scripts("import os\nprint(2)\n"))
    assert changed_lines(found) == ["-    print(1)", "+    print(2)"]


@pytest.mark.parametrize(
    ("actions", "left", "is_same"),
    [
        pytest.param(["same", "same"], [], True, id="all-the-same"),
        pytest.param(["same", "new"], [], False, id="one-is-new"),
        pytest.param(["replaced"], [], False, id="a-job-is-replaced"),
        pytest.param(["same"], [Left(kind="Service", name="old", is_removed=False)], True, id="apply-leaves-what-is-left"),
        pytest.param(["same"], [Left(kind="Job", name="old", is_removed=True)], False, id="apply-removes-a-job"),
    ],
)
def test_only_what_apply_changes_is_a_difference(actions: list[Any], left: list[Left], is_same: bool) -> None:  # noqa: FBT001 - a table's column
    changes = tuple(Change(step=1, stage=None, kind="Job", name=str(n), namespace=None, action=each) for n, each in enumerate(actions))
    found = Difference(pipeline="iris", context="c", namespace="n", has_namespace=True, changes=changes, left=tuple(left))
    assert found.is_same is is_same
