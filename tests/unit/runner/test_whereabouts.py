"""Which context and namespace a run goes to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fakes import a_job, a_plan

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, Result, Target
from bodywork_compiler.runner.namespace import Whereabouts, whereabouts

CONFIG = {"current-context": "kind-dev", "contexts": [{"name": "kind-dev", "context": {"namespace": "mine"}}]}


def a_kubectl(target: Target, config: object = CONFIG, error: str = "") -> Kubectl:
    def execute(argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        assert argv[:5] == ("kubectl", "config", "view", "--minify", "--output=json")
        return Result(argv=argv, out=json.dumps(config), err=error, exit_code=1 if error else 0)

    return Kubectl(target=target, execute=execute)


def a_plan_in(namespace: str | None) -> object:
    job = a_job("train", 1)
    if namespace:
        job["metadata"]["namespace"] = namespace
    return a_plan(job)


@pytest.mark.parametrize(
    ("asked", "planned", "found"),
    [("lab", None, "lab"), (None, "lab", "lab"), ("lab", "lab", "lab"), (None, None, "mine")],
    ids=["option", "manifests", "both alike", "the context's own"],
)
def test_the_namespace(asked: str | None, planned: str | None, found: str) -> None:
    kubectl = a_kubectl(Target(namespace=asked))
    assert whereabouts(kubectl, a_plan_in(planned)) == Whereabouts(context="kind-dev", namespace=found)


def test_manifests_for_another_namespace_are_refused() -> None:
    with pytest.raises(BodyworkError, match="for namespace lab, not other") as refused:
        whereabouts(a_kubectl(Target(namespace="other")), a_plan_in("lab"))
    assert "bodywork render --namespace other" in (refused.value.hint or "")


def test_a_context_that_was_named_need_not_be_asked_for() -> None:
    def execute(*_: object) -> Result:
        raise AssertionError("no kubectl is needed to know it")

    kubectl = Kubectl(target=Target(context="prod", namespace="lab"), execute=execute)
    assert whereabouts(kubectl, a_plan_in(None)) == Whereabouts(context="prod", namespace="lab")


def test_inside_a_cluster_there_is_no_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    kubectl = a_kubectl(Target(), error="error: current-context must exist in order to minify")
    assert whereabouts(kubectl, a_plan_in("lab")) == Whereabouts(context="in-cluster", namespace="lab")


def test_inside_a_cluster_the_pods_own_namespace_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setattr("bodywork_compiler.runner.namespace._POD_NAMESPACE", tmp_path / "namespace")
    kubectl = a_kubectl(Target(), error="error: current-context must exist in order to minify")
    assert whereabouts(kubectl, a_plan_in(None)).namespace == "default"
    (tmp_path / "namespace").write_text("lab")
    assert whereabouts(kubectl, a_plan_in(None)).namespace == "lab"


def test_no_kubeconfig_is_told_with_what_names_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(BodyworkError, match="there is no kubeconfig") as refused:
        whereabouts(a_kubectl(Target(), error="error: current-context must exist in order to minify"), a_plan_in("lab"))
    assert "--context NAME" in (refused.value.hint or "")
