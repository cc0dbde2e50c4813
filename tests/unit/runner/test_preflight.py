"""Before step 1 the API server is asked about every object of the run, and a pod of each template."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import NAMESPACE, PaperCluster, a_deployment, a_failure_stage, a_job, a_plan, a_service_of, a_session, as_good, closing, execute

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import preflight
from bodywork_compiler.runner.events import Notice
from bodywork_compiler.runner.rehearsal import pods_of

TRAIN, SERVE = a_job("train", 1), a_deployment("serve", 2)
ACCOUNT = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bodywork-iris"}}
VIOLATES = 'Error from server (Forbidden): error when creating "STDIN": pods "serve-pod-1" is forbidden: violates PodSecurity "restricted:latest": x'
FULL = (
    'Error from server (Forbidden): error when creating "STDIN": pods "train-pod-1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, '
    "limited: pods=2"
)


@pytest.fixture
def cluster() -> PaperCluster:
    found = PaperCluster(on_apply=as_good)
    found.put(NAMESPACE)
    return found


def asked(cluster: PaperCluster) -> set[str]:
    return {f"{each['kind']}/{each['metadata']['name'].partition('-pod-')[0]}" for each in cluster.rehearsed}


def said(told: list[Any]) -> list[str]:
    return [each.message for each in told if isinstance(each, Notice) and each.message.startswith("the API server warns")]


def test_all_steps_the_failure_stage_and_a_pod_of_each_template_are_asked(cluster: PaperCluster) -> None:
    exit_code, told = execute(cluster, a_plan(TRAIN, SERVE, a_service_of("serve", 2), a_failure_stage("mend")))
    assert (exit_code, said(told)) == (0, [])
    assert asked(cluster) == {"Job/train", "Deployment/serve", "Service/serve", "Job/mend", "Pod/train"}, "the three templates are one"


def test_what_would_be_refused_in_step_2_ends_the_run_before_step_1(cluster: PaperCluster) -> None:
    cluster.dry_run_says = {"Service/serve": 'Error from server (Invalid): Service "serve" is invalid: port', "Pod": VIOLATES}
    with pytest.raises(BodyworkError) as refused:
        execute(cluster, a_plan(TRAIN, SERVE, a_service_of("serve", 2)))
    assert "would refuse 3 of 3 objects" in refused.value.message
    assert 'Service serve: Error from server (Invalid): Service "serve" is invalid: port' in refused.value.message
    assert 'Job train: its pods are refused: violates PodSecurity "restricted:latest": x' in refused.value.message
    assert cluster.ran == []


def test_a_quota_that_others_fill_is_a_warning(cluster: PaperCluster) -> None:
    cluster.dry_run_says = {"Pod": FULL}
    exit_code, told = execute(cluster, a_plan(TRAIN))
    assert exit_code == 0
    assert said(told) == [
        "the API server warns: Job train: its pods are refused: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    ]


def test_warnings_are_refusals_where_that_is_asked_for(cluster: PaperCluster) -> None:
    cluster.dry_run_says = {"Pod": FULL}
    with pytest.raises(BodyworkError, match="--warnings-as-errors"):
        execute(cluster, a_plan(TRAIN), options=RunOptions(warnings_as_errors=True))
    assert cluster.ran == []


@pytest.mark.parametrize(
    "says",
    [
        {"Job/train": 'Error from server (BadRequest): admission webhook "x" does not support dry run'},
        {"Job/train": 'Error from server (NotFound): roles.rbac.authorization.k8s.io "bodywork-iris" not found'},
        {
            "Pod": 'Error from server (Forbidden): pods is forbidden: User "x" cannot create resource "pods" in API group "" in the namespace "lab"'
        },
        {"Pod": 'Error from server (BadRequest): admission webhook "x" does not support dry run'},
    ],
)
def test_what_a_dry_run_cannot_tell_ends_no_run(cluster: PaperCluster, says: dict[str, str]) -> None:
    cluster.dry_run_says = says
    assert execute(cluster, a_plan(ACCOUNT, TRAIN))[0] == 0


def test_objects_of_a_kind_that_the_run_brings_are_not_asked(cluster: PaperCluster) -> None:
    names = {"kind": "Widget", "plural": "widgets"}
    spec = {"group": "example.org", "names": names, "versions": [{"name": "v1"}, {"name": "v2"}]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "w"}, "spec": spec}
    widget = {"apiVersion": "example.org/v2", "kind": "Widget", "metadata": {"name": "one"}}
    plan = a_plan(definition, widget, TRAIN)
    with closing(a_session(cluster, plan)) as session:
        preflight.ask(session)
    assert asked(cluster) == {"CustomResourceDefinition/w", "Job/train", "Pod/train"}


# pods


def pods(*bodies: dict[str, Any], to_come: tuple[str, ...] = ()) -> list[tuple[dict[str, Any], list[str]]]:
    found = pods_of(map(KubeObject, bodies), to_come=to_come, free="1")
    return [(dict(each.pod.body), [workload.name for workload in each.of]) for each in found]


def with_container(stage: str, **fields: Any) -> dict[str, Any]:
    job = a_job(stage, 1)
    job["spec"]["template"] = {"spec": {"serviceAccountName": "a", "containers": [{"name": "stage", "image": "x", **fields}]}}
    return job


def test_templates_that_differ_in_arguments_and_variables_alone_are_one_pod() -> None:
    alike = [with_container("a", args=["1"]), with_container("b", args=["2"], env=[{"name": "A", "value": "b"}])]
    other = with_container("c", resources={"requests": {"cpu": "4"}})
    assert [of for _, of in pods(*alike, other)] == [["a", "b"], ["c"]]


def test_an_account_that_is_still_to_come_is_left_out() -> None:
    assert [each["spec"].get("serviceAccountName") for each, _ in pods(with_container("a"))] == ["a"]
    assert [each["spec"].get("serviceAccountName") for each, _ in pods(with_container("a"), to_come=("a",))] == [None]


def test_volumes_that_a_stateful_set_claims_are_there() -> None:
    stateful = {**with_container("a"), "kind": "StatefulSet"}
    stateful["spec"] = {**stateful["spec"], "volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
    ((pod, _),) = pods(stateful)
    assert pod["spec"]["volumes"] == [{"name": "data", "emptyDir": {}}]


def test_a_cronjobs_pod_is_two_templates_deep() -> None:
    spec = {"schedule": "@daily", "jobTemplate": {"spec": with_container("a")["spec"]}}
    assert len(pods({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": spec})) == 1
