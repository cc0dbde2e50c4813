"""What a run must be allowed to do: asked before the first change, all that lacks at once, with the rules that give it."""

from __future__ import annotations

import pytest
from fakes import NAMESPACE, PaperCluster, a_deployment, a_failure_stage, a_job, a_plan, a_session, as_good, closing, execute

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import preflight
from bodywork_compiler.runner.events import Notice
from bodywork_compiler.runner.preflight import Right, is_given, rules_for, wanted

TRAIN, SERVE = a_job("train", 1), a_deployment("serve", 2)


@pytest.fixture
def cluster() -> PaperCluster:
    found = PaperCluster(on_apply=as_good)
    found.put(NAMESPACE)
    return found


def words(cluster: PaperCluster, *manifests: dict[str, object], options: RunOptions = RunOptions()) -> set[str]:  # noqa: B008 - a frozen value
    plan = a_plan(*manifests)
    with closing(a_session(cluster, plan, options=options)) as session:
        return {each.words for each in wanted(session, plan) if not each.without}


def test_every_verb_on_every_kind_of_the_run_is_asked_for(cluster: PaperCluster) -> None:
    extra = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}}
    found = words(cluster, TRAIN, SERVE, extra)
    assert {"watch jobs.batch", "watch pods", "create leases.coordination.k8s.io", "delete jobs.batch"} <= found
    assert {"get deployments.apps", "create deployments.apps", "patch deployments.apps"} <= found
    assert {"get widgets.example.org", "create widgets.example.org", "patch widgets.example.org"} <= found
    assert "create namespaces" not in found


def test_what_is_not_run_is_not_asked_for(cluster: PaperCluster) -> None:
    assert "create deployments.apps" not in words(cluster, TRAIN, SERVE, options=RunOptions(only=("train",)))


def test_the_failure_stage_and_an_absent_namespace_are_asked_for() -> None:
    assert {"create jobs.batch", "create namespaces"} <= words(PaperCluster(), SERVE, a_failure_stage("mend"))


def test_a_secret_is_made_whole(cluster: PaperCluster) -> None:
    found = words(cluster, TRAIN, {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})
    assert {"create secrets", "update secrets"} <= found
    assert "patch secrets" not in found


def test_a_run_that_lacks_a_right_changes_nothing_and_says_all_that_lacks_with_its_rules(cluster: PaperCluster) -> None:
    cluster.lacking = {"watch jobs", "patch leases", "create jobs", "create widgets"}
    extra = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}}
    with pytest.raises(BodyworkError) as refused:
        execute(cluster, a_plan(TRAIN, extra))
    assert refused.value.message == (
        "this run needs rights that system:serviceaccount:lab:runner lacks: in namespace lab: "
        "watch jobs.batch, patch leases.coordination.k8s.io, create widgets.example.org, create jobs.batch"
    )
    hint = str(refused.value.hint)
    assert '- {apiGroups: ["batch"], resources: ["jobs"], verbs: ["watch", "create"]}' in hint
    assert "clusterrole=edit" not in hint, "edit knows nothing of widgets"
    assert cluster.ran == []
    assert ("Lease", "bodywork-iris") not in cluster.objects


def test_where_kubernetes_own_role_has_them_its_binding_is_proposed(cluster: PaperCluster) -> None:
    cluster.lacking = {"watch jobs"}
    with pytest.raises(BodyworkError) as refused:
        execute(cluster, a_plan(TRAIN))
    assert "kubectl create rolebinding bodywork-edit --clusterrole=edit --serviceaccount=lab:runner" in str(refused.value.hint)


def test_what_a_run_can_do_without_is_said_once_and_it_goes_on(cluster: PaperCluster) -> None:
    cluster.lacking = {"get pods/log", "list replicasets", "delete services", "create configmaps"}
    plan = a_plan(TRAIN)
    told: list[object] = []
    with closing(a_session(cluster, plan, told)) as session:  # type: ignore[arg-type]
        preflight.check_rights(session)
    said = [each.message for each in told if isinstance(each, Notice)]
    assert said == [
        "you may not get pods/log: no log of a stage is shown",
        "you may not create configmaps: this run is not in the history",
    ]


def test_an_api_server_that_cannot_be_asked_about_rights_ends_no_run(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    from bodywork_compiler.api import Refused

    def refuse(*_: object) -> None:
        raise Refused("the API server says: no")

    monkeypatch.setattr(PaperCluster, "own_rules", refuse)
    exit_code, told = execute(cluster, a_plan(TRAIN))
    assert exit_code == 0
    assert any(isinstance(each, Notice) and each.message.startswith("not known whether this run may") for each in told)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"verbs": ["watch"], "apiGroups": ["batch"], "resources": ["jobs"]}, True),
        ({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, True),
        ({"verbs": ["watch"], "apiGroups": ["batch"], "resources": ["jobs"], "resourceNames": ["one"]}, False),
        ({"verbs": ["list"], "apiGroups": ["batch"], "resources": ["jobs"]}, False),
        ({"verbs": ["watch"], "apiGroups": [""], "resources": ["jobs"]}, False),
        ({}, False),
    ],
)
def test_a_rule_gives_a_right_or_not(rule: dict[str, list[str]], expected: bool) -> None:  # noqa: FBT001
    assert is_given(Right("watch", "batch", "jobs", "lab"), [rule]) is expected


def test_rules_are_one_for_each_resource() -> None:
    rights_of_two = [Right("get", "", "pods", "lab"), Right("watch", "batch", "jobs", "lab"), Right("list", "", "pods", "lab")]
    assert list(rules_for(rights_of_two)) == [
        '- {apiGroups: [""], resources: ["pods"], verbs: ["get", "list"]}',
        '- {apiGroups: ["batch"], resources: ["jobs"], verbs: ["watch"]}',
    ]
