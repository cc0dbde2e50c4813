"""What is kept of an object for the way back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bodywork_compiler.runner.before import LAST_APPLIED, Before

FOUND = {
    "kind": "Service",
    "metadata": {"name": "serve", "labels": {"a": "1"}, "uid": "u", "resourceVersion": "7", "managedFields": []},
    "spec": {"ports": [{"port": 5000}]},
    "status": {"loadBalancer": {}},
}


def test_an_object_that_apply_did_not_make_goes_back_whole() -> None:
    before = Before(api_version="v1", kind="Service", name="serve", stage="serve", object=FOUND)
    assert before.last_applied is None
    assert before.whole() == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "serve", "labels": {"a": "1"}},
        "spec": {"ports": [{"port": 5000}]},
    }


def test_a_revision_is_a_number() -> None:
    annotated = {**FOUND, "metadata": {"annotations": {"deployment.kubernetes.io/revision": "10"}}}
    assert (
        Before(
            api_version="apps/v1",
            kind="Deployment",
            name="serve",
            stage="serve",
            object=annotated,
        ).revision
        == 10
    )
    assert Before(api_version="apps/v1", kind="Deployment", name="serve", stage="serve", object=None).revision is None


def a_deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "serve", "labels": {"a": "1"}}, "spec": spec}


CONTAINER = {"name": "main", "image": "a"}
DEFAULTED = {**CONTAINER, "imagePullPolicy": "Always"}


@pytest.mark.parametrize(
    ("applied", "was", "wanted", "verb"),
    [
        ({"replicas": 1}, {"replicas": 1, "strategy": {}}, {"replicas": 2}, "apply"),
        ({"replicas": 1}, {"replicas": 5}, {"replicas": 1}, "replace"),
        ({}, {"replicas": 5}, {}, "apply"),  # nobody's manifest names it: a HorizontalPodAutoscaler's
        ({}, {"replicas": 5}, {"replicas": 2}, "replace"),
        ({"paused": False}, {}, {}, "apply"),
        ({"containers": [CONTAINER]}, {"containers": [DEFAULTED]}, {"containers": [{"name": "main", "image": "b"}]}, "apply"),
        ({"containers": [CONTAINER]}, {"containers": [{**DEFAULTED, "image": "c"}]}, {"containers": [CONTAINER]}, "replace"),
        ({"containers": [CONTAINER]}, {"containers": [DEFAULTED, {"name": "by-hand"}]}, {"containers": [CONTAINER]}, "replace"),
        ({"containers": [CONTAINER]}, {"containers": [{**DEFAULTED, "stdin": True}]}, {"containers": [{"name": "other"}]}, "replace"),
        ({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"a": "1"}}, {}, "apply"),
        ({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"a": "1", "by": "hand"}}, {}, "replace"),
        ({"nodeSelector": {"a": "1"}}, {"nodeSelector": {"a": "1", "by": "hand"}}, {"nodeSelector": {"a": "1"}}, "apply"),
    ],
)
def test_what_was_changed_by_hand_goes_back_whole(applied: Any, was: Any, wanted: Any, verb: str) -> None:
    """Where applying the last manifest would lose it: what no manifest names is left alone by apply."""
    stood = a_deployment(**was)
    stood["metadata"]["annotations"] = {LAST_APPLIED: json.dumps(a_deployment(**applied))}
    before = Before(api_version="apps/v1", kind="Deployment", name="serve", stage="serve", object=stood, wanted=a_deployment(**wanted))
    way, manifest = before.way_back()
    assert way == verb
    assert manifest.body == (a_deployment(**applied) if verb == "apply" else stood)
