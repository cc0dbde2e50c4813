"""Which parts of an object differ, in a few words and without values."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bodywork_compiler.preview.difference import parts

DEPLOYMENT: dict[str, Any] = {
    "metadata": {"annotations": {"bodywork/git-commit": "9d0c7aa"}, "labels": {"bodywork/step": "2"}},
    "spec": {
        "replicas": 1,
        "template": {
            "metadata": {"labels": {"team": "ml"}},
            "spec": {
                "initContainers": [
                    {"name": "fetch", "image": "python:3.11", "env": [{"name": "BODYWORK_GIT_COMMIT", "value": "9d0c7aa"}]},
                    {"name": "install", "image": "python:3.11", "args": ["joblib==1.6.0"]},
                ],
                "containers": [
                    {
                        "name": "stage",
                        "image": "python:3.11",
                        "args": ["stage.py"],
                        "env": [{"name": "MODEL_BUCKET", "value": "a"}],
                        "resources": {"requests": {"cpu": "250m", "memory": "100M"}},
                    },
                ],
                "volumes": [{"name": "scripts", "configMap": {"name": "scripts-1"}}],
            },
        },
    },
}
POD = ("spec", "template", "spec")


def changed(*path: Any, to: Any) -> dict[str, Any]:
    after = copy.deepcopy(DEPLOYMENT)
    at: Any = after
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = to
    return after


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (DEPLOYMENT, ()),
        (changed("spec", "replicas", to=2), ("replicas",)),
        (changed("metadata", "annotations", "bodywork/git-commit", to="3f2a9c1"), ("commit",)),
        (changed("metadata", "labels", "bodywork/step", to="3"), ("step",)),
        (changed("spec", "template", "metadata", "labels", "team", to="data"), ("label team",)),
        (changed(*POD, "containers", 0, "image", to="python:3.12"), ("image",)),
        (changed(*POD, "containers", 0, "args", to=["other.py"]), ("args",)),
        (changed(*POD, "containers", 0, "env", 0, "value", to="b"), ("env MODEL_BUCKET",)),
        (changed(*POD, "containers", 0, "env", to=[]), ("env MODEL_BUCKET",)),
        (changed(*POD, "containers", 0, "resources", "requests", "cpu", to="1"), ("cpu",)),
        (changed(*POD, "initContainers", 0, "env", 0, "value", to="3f2a9c1"), ("commit",)),
        (changed(*POD, "initContainers", 1, "args", to=["joblib==1.7.0"]), ("requirements",)),
        (changed(*POD, "volumes", 0, "configMap", "name", to="scripts-2"), ("volumes",)),
        (
            changed(*POD, "containers", to=[*DEPLOYMENT["spec"]["template"]["spec"]["containers"], {"name": "proxy", "image": "envoy"}]),
            ("proxy image",),
        ),
    ],
    ids=str,
)
def test_parts_are_named_as_their_readers_call_them(after: dict[str, Any], said: tuple[str, ...]) -> None:
    assert parts(DEPLOYMENT, after) == said


def test_each_part_is_said_once_in_the_order_of_the_manifest() -> None:
    after = changed(*POD, "initContainers", 0, "image", to="python:3.12")
    for container in [*after["spec"]["template"]["spec"]["initContainers"], *after["spec"]["template"]["spec"]["containers"]]:
        container["image"] = "python:3.12"
    after["spec"]["template"]["spec"]["containers"][0]["args"] = ["other.py"]
    assert parts(DEPLOYMENT, after) == ("image", "args")


def test_of_a_secret_only_the_key_is_said() -> None:
    assert parts({"data": {"KEY": "aHVudGVyMg==", "OTHER": "eA=="}}, {"data": {"KEY": "aG9yc2U=", "OTHER": "eA=="}}) == ("KEY",)
