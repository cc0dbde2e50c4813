"""What a person reads before a run begins."""

from dataclasses import replace
from typing import Any

from made_runs import STARTED

from bodywork_compiler.preview.values import Change, Difference, Left
from bodywork_compiler.report.summary import outlook


def a_change(kind: str, name: str, action: str, *parts: str, step: int = 2, stage: str | None = None) -> Change:
    return Change(step=step, stage=stage or name, kind=kind, name=name, namespace="iris", action=action, parts=parts)


def a_difference(*changes: Change, **more: Any) -> Difference:
    return Difference(pipeline="iris", context="kind-dev", namespace="iris", changes=changes, **{"has_namespace": True, **more})


def shown(found: Difference | None, **changed: Any) -> list[str]:
    return list(outlook(replace(STARTED, **changed), found, cluster="https://127.0.0.1:6443"))


def test_the_limit_for_a_node_and_an_image_is_said() -> None:
    assert "  waits at most 15 min for a node and an image (--schedule-timeout)" in outlook(
        replace(STARTED, schedule_timeout_seconds=900.0), None, cluster=None
    )


def test_it_names_context_cluster_namespace_and_what_changes() -> None:
    found = a_difference(
        a_change("ConfigMap", "bodywork-iris", "changed", "git-commit", "plan-digest", step=0),
        a_change("ConfigMap", "bodywork-iris-scripts", "same", step=0),
        a_change("Job", "train-model", "same", step=1),
        a_change("Deployment", "scoring-service", "changed", "image", "args", "env MODEL_BUCKET"),
        a_change("Service", "scoring-service", "same"),
    )
    assert shown(found) == [
        "iris at 3f2a9c1 (main) → context kind-dev, namespace iris",
        "  cluster https://127.0.0.1:6443",
        "  set-up                   ConfigMap            changes: git-commit, plan-digest",
        "  step 1  train-model      Job                  re-run",
        "  step 2  scoring-service  Deployment, Service",
        "          changes: image, args, env MODEL_BUCKET",
    ]


def test_where_the_namespace_is_not_there_it_is_made() -> None:
    lines = shown(a_difference(a_change("Job", "train", "new", step=1), has_namespace=False))
    assert lines[2:] == ["  creates namespace iris", "  step 1  train  Job  created"]


def test_where_the_server_could_not_be_asked_less_is_said() -> None:
    assert shown(None)[2:] == ["  step 1  train-model      Job", "  step 2  scoring-service  Deployment"]


def what_becomes_of(*changes: Change) -> str:
    return shown(a_difference(*changes))[2].split("  ")[-1]


def test_what_becomes_of_a_stage_is_said_in_a_few_words() -> None:
    assert what_becomes_of(a_change("Job", "a", "new")) == "created"
    assert what_becomes_of(a_change("Job", "a", "replaced", "args")) == "re-run, changes: args"
    assert what_becomes_of(a_change("Deployment", "a", "same")) == "unchanged, restarted"
    assert what_becomes_of(a_change("Role", "a", "same")) == "unchanged"
    assert what_becomes_of(a_change("Deployment", "a", "same"), a_change("Ingress", "a", "new")) == "creates Ingress"
    assert what_becomes_of(a_change("Role", "a", "changed", *"abcdef")) == "changes: a, b, c, d and 2 more"


def test_what_the_manifests_no_longer_have_is_listed() -> None:
    left = (
        Left(kind="Job", name="old", is_removed=True),
        Left(kind="Deployment", name="gone", is_removed=True),
        Left(kind="Secret", name="own", is_removed=False),
    )
    found = a_difference(left=left)
    assert shown(found)[2:] == ["  removes Job old, Deployment gone", "  leaves (not in the manifests) Secret own"]
    assert list(outlook(STARTED, found, cluster=None, prune=False))[1:] == [
        "  removes Job old",
        "  leaves (--no-prune) Deployment gone, Secret own",
    ]


def test_the_servers_warnings_are_said_and_move_no_cursor() -> None:
    assert shown(a_difference(warnings=("\x1b[2Jwould violate PodSecurity",)))[-1] == "  warning: would violate PodSecurity"


def test_no_line_is_longer_than_80_columns() -> None:
    stage = "a-stage-whose-name-is-as-long-as-kubernetes-allows-for-an-objec"
    left = tuple(Left(kind="Deployment", name=f"service-number-{number}", is_removed=True) for number in range(20))
    found = a_difference(a_change("Deployment", stage, "changed", "image", "env MODEL_BUCKET", "env OTHER", "replicas"), left=left)
    assert max(map(len, shown(found))) <= 80
