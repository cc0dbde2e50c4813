"""Whose the objects are that a run would change: its own, another repository's, another pipeline's, or somebody else's."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import NAMESPACE, Object, PaperCluster, a_deployment, a_job, a_plan, a_service_of, as_good, execute, made

from bodywork_compiler.api import Refused
from bodywork_compiler.manifests import Plan
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner.events import Event, Notice

URL, OTHER = "https://git.example.com/acme/iris.git", "https://git.example.com/other/iris.git"
ADOPT = RunOptions(adopt=("all",))


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def of(url: str | None, manifest: Object) -> Object:
    annotations = {"bodywork/git-url": url, "bodywork/git-commit": "9d0c7aa" + "0" * 33} if url else {}
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": annotations}}


def plan_of(url: str | None) -> Plan:
    return a_plan(of(url, a_job("train", 1)))


def with_labels(manifest: Object, **labels: str) -> Object:
    return {**manifest, "metadata": {**manifest["metadata"], "labels": labels}}


def said(told: list[Event]) -> str:
    return "\n".join(event.message for event in told if isinstance(event, Notice))


def refusal(cluster: PaperCluster, plan: Plan) -> str:
    exit_code, told = execute(cluster, plan, may_raise=True)
    assert (exit_code, cluster.ran) == (1, [])
    return next(str(event.reason) for event in reversed(told) if hasattr(event, "reason"))


@pytest.mark.parametrize("stands", [a_deployment("serve", 2), a_job("fit", 1)], ids=["service", "job"])
def test_another_repositorys_pipeline_is_refused_with_who_owns_it(cluster: PaperCluster, stands: Object) -> None:
    cluster.put(of(OTHER, stands))
    why = refusal(cluster, plan_of(URL))
    assert why.startswith(f"pipeline iris in namespace lab belongs to another repository: {OTHER} at 9d0c7aa ({stands['kind']} ")
    assert why.endswith(f"this is {URL}")


def test_with_adopt_it_is_taken_over_and_what_of_it_is_not_needed_goes(cluster: PaperCluster) -> None:
    cluster.put(made(of(OTHER, a_deployment("theirs", 2))))
    exit_code, told = execute(cluster, plan_of(URL), options=ADOPT)
    assert exit_code == 0
    assert f"taking over pipeline iris from {OTHER} at 9d0c7aa" in said(told)
    assert ("Deployment", "theirs") not in cluster.objects


@pytest.mark.parametrize("spelling", ["git@git.example.com:acme/iris", "ssh://git@git.example.com/acme/iris.git", URL])
def test_the_same_repository_under_another_spelling_is_the_same(cluster: PaperCluster, spelling: str) -> None:
    cluster.put(of(spelling, a_deployment("serve", 2)))
    exit_code, told = execute(cluster, plan_of(URL))
    assert exit_code == 0
    assert "came from" not in said(told)


def test_a_project_that_has_a_repository_now_is_the_same_and_that_is_said(cluster: PaperCluster) -> None:
    cluster.put(of(None, a_deployment("serve", 2)))
    exit_code, told = execute(cluster, plan_of(URL))
    assert exit_code == 0
    assert f"what stands here came from no repository; it is taken for this project's, which is at {URL} now" in said(told)


def test_a_run_from_no_repository_says_whose_place_it_takes_and_removes_nothing_of_it(cluster: PaperCluster) -> None:
    cluster.put(of(URL, a_deployment("serve", 2)))
    exit_code, told = execute(cluster, plan_of(None))
    assert exit_code == 0
    assert f"what stands here came from {URL} at 9d0c7aa; this run comes from no repository" in said(told)
    assert ("Deployment", "serve") in cluster.objects


def test_somebodys_own_object_with_our_label_decides_nothing(cluster: PaperCluster) -> None:
    own = with_labels(a_deployment("own", 1), **{"bodywork/pipeline": "iris"})
    cluster.put(of(OTHER, own))
    assert execute(cluster, plan_of(URL))[0] == 0
    assert ("Deployment", "own") in cluster.objects


@pytest.mark.parametrize(
    ("labels", "whose"),
    [
        ({"bodywork/pipeline": "iris-2", "bodywork/stage": "train", "bodywork/step": "1"}, "it is pipeline iris-2's"),
        ({"app": "bodywork", "stage": "train"}, "it is earlier Bodywork's"),
        ({}, "Bodywork did not make it"),
    ],
)
@pytest.mark.parametrize(
    ("stands", "wanted"),
    [(a_job("x", 1), a_job("x", 1)), (a_deployment("x", 1), a_deployment("x", 1)), (a_service_of("x", 1), a_service_of("x", 1))],
    ids=["Job", "Deployment", "Service"],
)
def test_what_stands_under_our_name_and_is_not_ours_is_refused(
    cluster: PaperCluster, stands: Object, wanted: Object, labels: dict[str, str], whose: str
) -> None:
    cluster.put(with_labels(stands, **labels))
    assert refusal(cluster, a_plan(wanted)) == f"not this pipeline's to change, in namespace lab: {stands['kind']} x ({whose})"


def test_all_that_is_in_the_way_is_named_at_once(cluster: PaperCluster) -> None:
    for each in (a_job("train", 1), a_service_of("serve", 2)):
        cluster.put(with_labels(each))
    why = refusal(cluster, a_plan(a_job("train", 1), a_deployment("serve", 2), a_service_of("serve", 2)))
    assert "Service serve" in why
    assert "Job train" in why


def test_our_own_service_whose_selector_has_changed_cannot_just_be_applied(cluster: PaperCluster) -> None:
    cluster.put(with_selector(a_deployment("serve", 1), stage="serve"))
    why = refusal(cluster, a_plan(with_selector(a_deployment("serve", 1), stage="serve", team="ml")))
    assert "Deployment serve (its selector is stage=serve, which Kubernetes lets nobody change)" in why


def with_selector(deployment: Object, **labels: Any) -> Object:
    return {**deployment, "spec": {**deployment["spec"], "selector": {"matchLabels": labels}}}


def test_what_may_not_be_listed_is_left_to_kubectl(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(kind: str, query: object) -> list[Object]:
        raise Refused(f"{kind} is forbidden")

    monkeypatch.setattr(cluster, "outlines", refused)
    assert execute(cluster, plan_of(URL))[0] == 0


@pytest.mark.parametrize(
    ("version", "options", "is_refused"),
    [("1.0", "{}", True), ("v1", "{}", True), ("1.1", "{}", False), ("1.0", '{"namespace": "lab"}', False)],
)
def test_a_project_that_runs_in_another_namespace_is_not_deployed_twice(
    cluster: PaperCluster, *, version: str, options: str, is_refused: bool
) -> None:
    theirs = a_deployment("iris--serve", 2, namespace="pipelines")
    cluster.put(with_labels(theirs, app="bodywork", stage="serve"))
    facts = {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris", "bodywork/step": "0"}}
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": facts,
        "data": {"dag": "serve", "config-version": version, "render-options": options},
    }
    why = refusal(cluster, a_plan(settings, a_deployment("iris--serve", 1)))
    assert ("earlier Bodywork runs this in namespace pipelines" in why) is is_refused
    assert is_refused or "not this pipeline's to change" in why


HELM = {"meta.helm.sh/release-name": "shop"}
ARGO_CD = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:lab/serve"}


def owned(manifest: Object, **metadata: Any) -> Object:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


@pytest.mark.parametrize(
    ("metadata", "owner"),
    [
        ({"ownerReferences": [{"kind": "Shop", "name": "mine", "uid": "u"}]}, "Shop mine"),
        ({"annotations": HELM}, "Helm release shop"),
        ({"labels": {**a_deployment("serve", 1)["metadata"]["labels"], "app.kubernetes.io/managed-by": "Helm"}}, "Helm"),
        ({"annotations": ARGO_CD}, "Argo CD application shop"),
    ],
)
def test_what_has_another_owner_is_not_taken_without_a_word(cluster: PaperCluster, metadata: Any, owner: str) -> None:
    """It has the labels of what was rendered, and no mark of a run."""
    cluster.put(owned(a_deployment("serve", 1), **metadata))
    plan = a_plan(a_deployment("serve", 1))
    assert f"Deployment serve (it is {owner}'s)" in refusal(cluster, plan)
    assert execute(cluster, plan, options=RunOptions(adopt=("deployment/serve",)))[0] == 0


def test_what_argo_cd_applied_with_the_pipeline_is_the_pipelines(cluster: PaperCluster) -> None:
    """docs/gitops.md: the application that applies the rendered folder."""
    role = {"bodywork/pipeline": "iris", "bodywork/role": "pipeline", "bodywork/step": "0"}
    facts = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bodywork-iris", "labels": role}}
    cluster.put(owned(facts, annotations={"argocd.argoproj.io/tracking-id": "shop:/ConfigMap:lab/bodywork-iris"}))
    cluster.put(owned(a_deployment("serve", 1), annotations=ARGO_CD))
    assert execute(cluster, a_plan(facts, a_deployment("serve", 1)))[0] == 0


@pytest.mark.parametrize("annotations", [HELM, ARGO_CD])
def test_what_others_took_over_after_a_run_is_not_pruned(cluster: PaperCluster, annotations: dict[str, str]) -> None:
    cluster.put(made(owned(a_deployment("gone", 1), annotations=annotations)))
    assert execute(cluster, a_plan(a_job("train", 1)))[0] == 0
    assert ("Deployment", "gone") in cluster.objects
