"""The controller's rights as text, and how they come into a cluster in which some of them stand already."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bodywork_compiler.api import NotThere, Refused
from bodywork_compiler.controller import rights, work
from bodywork_compiler.controller.rights import Granted, grant, objects_of
from bodywork_compiler.errors import BodyworkError, RunFailed
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, Result
from bodywork_compiler.manifests import KubeObject

GROUPS = "bodywork-deployment-jobs"
CONTROLLER = "bodywork-workflow-controller"
Where = tuple[str, str, str | None]


@dataclass
class PaperCluster:
    """Has these objects. `refuses`: first words of a call → kubectl's error."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    refuses_once: bool = False
    calls: list[tuple[str, ...]] = field(default_factory=list)

    def execute(self, argv: tuple[str, ...], stdin: str | None, _seconds: float) -> Result:
        words = tuple(word for word in argv[1:] if not word.startswith("--request-timeout"))
        error = next((said for first, said in self.refuses.items() if " ".join(words).startswith(first)), "")
        if words[0] == "get":
            return Result(argv=argv, out=json.dumps({"kind": "List", "items": self.objects}), err=error, exit_code=1 if error else 0)
        if error and self.refuses_once:
            self.refuses.clear()
        sent = json.loads(stdin or "")["items"]
        self.calls.append((*words, *(f"{each['kind']}/{each['metadata']['name']}" for each in sent)))
        return Result(argv=argv, err=error, exit_code=1 if error else 0)

    def grant(self, texts: Iterable[str], *, dry_run: bool = False) -> list[tuple[str, str]]:
        told: list[Granted] = []
        try:
            grant(Kubectl(execute=self.execute), objects_of(texts), told.append, dry_run=dry_run)
        finally:
            self.told = [(each.action, f"{each.kind}/{each.name}") for each in told]
        return self.told


def all_of(texts: Iterable[str]) -> dict[Where, KubeObject]:
    return {(each.kind, each.name, each.namespace): each for each in objects_of(texts)}


def allowed(role: KubeObject) -> set[str]:
    """`verb resource`, as `kubectl auth can-i` is asked."""
    return {f"{verb} {resource}" for rule in role.body["rules"] for verb in rule["verbs"] for resource in rule["resources"]}


def test_named_namespaces_get_a_role_of_their_own_and_nothing_is_cluster_wide() -> None:
    made = all_of(rights.in_namespaces(["iris", "churn", "iris"]))
    assert list(made) == [
        ("Namespace", GROUPS, None),
        ("ServiceAccount", CONTROLLER, GROUPS),
        ("Role", "bodywork-secrets-groups", GROUPS),
        ("RoleBinding", "bodywork-secrets-groups", GROUPS),
        ("Namespace", "iris", None),
        ("Role", CONTROLLER, "iris"),
        ("RoleBinding", f"{CONTROLLER}--{GROUPS}", "iris"),
        ("Namespace", "churn", None),
        ("Role", CONTROLLER, "churn"),
        ("RoleBinding", f"{CONTROLLER}--{GROUPS}", "churn"),
    ]
    assert allowed(made["Role", "bodywork-secrets-groups", GROUPS]) == {"get secrets"}
    binding = made["RoleBinding", f"{CONTROLLER}--{GROUPS}", "iris"].body
    assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": CONTROLLER}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": CONTROLLER, "namespace": GROUPS}]


def test_the_role_of_a_run_has_no_wildcard_and_makes_no_pod() -> None:
    role = all_of(rights.in_namespaces(["iris"]))["Role", CONTROLLER, "iris"]
    assert "*" not in json.dumps(role.body["rules"])
    assert {"get pods/log", "create leases", "patch leases", "patch ingresses", "watch events", "get namespaces"} <= allowed(role)
    for too_much in ("create pods", "create pods/exec", "create roles", "create rolebindings", "delete namespaces", "list nodes"):
        assert too_much not in allowed(role)
    assert [rule["resourceNames"] for rule in role.body["rules"] if "namespaces" in rule["resources"]] == [["iris"]]


def test_without_namespaces_the_reach_is_the_ancestors() -> None:
    made = all_of(rights.in_whole_cluster())
    role = made["ClusterRole", CONTROLLER, None]
    assert {"create namespaces", "get secrets", "get pods/log"} <= allowed(role)
    assert made["ClusterRoleBinding", f"{CONTROLLER}--{GROUPS}", None].body["roleRef"]["name"] == CONTROLLER


def test_v1s_accounts_stand_in_their_namespace_and_list_namespaces() -> None:
    made = all_of(rights.in_v1_namespace("iris"))
    binding = made["ClusterRoleBinding", f"{CONTROLLER}--iris", None].body
    bound = made["ClusterRole", binding["roleRef"]["name"], None]
    assert allowed(bound) == {"get namespaces", "list namespaces"}
    assert bound.name != CONTROLLER, "which v3 made, with far more in it"
    assert ("ServiceAccount", "bodywork-jobs-and-deployments", "iris") in made
    subjects = {subject["name"] for each in made.values() for subject in each.body.get("subjects", ())}
    assert subjects == {CONTROLLER}, "the stages' account may do nothing"


def test_the_image_is_remembered_only_where_one_is_named() -> None:
    (remembered,) = [each for each in objects_of(rights.in_namespaces(["iris"], "registry/controller:1")) if each.kind == "ConfigMap"]
    assert (remembered.name, remembered.body["data"]) == (work.NAME, {work.IMAGE: "registry/controller:1"})
    assert all(each.kind != "ConfigMap" for each in objects_of(rights.in_whole_cluster()))


def test_what_is_not_there_is_made_in_order() -> None:
    cluster = PaperCluster()
    assert {action for action, _ in cluster.grant(rights.in_v1_namespace("iris"))} == {"creating"}
    assert [call[-1] for call in cluster.calls] == [
        "Namespace/iris",
        f"ServiceAccount/{CONTROLLER}",
        f"Role/{CONTROLLER}",
        f"RoleBinding/{CONTROLLER}",
        "ClusterRole/bodywork-namespaces",
        f"ClusterRoleBinding/{CONTROLLER}--iris",
        "ServiceAccount/bodywork-jobs-and-deployments",
    ]


def test_what_is_there_as_it_should_be_is_left_alone() -> None:
    cluster = PaperCluster([dict(each.body) for each in objects_of(rights.in_namespaces(["iris"], "i:1"))])
    assert {action for action, _ in cluster.grant(rights.in_namespaces(["iris"], "i:1"))} == {"exists"}
    assert cluster.calls == []


def test_a_binding_left_over_with_another_role_is_made_anew() -> None:
    there = [dict(each.body) for each in objects_of(rights.in_v1_namespace("iris")) if each.kind == "ClusterRoleBinding"]
    there[0]["roleRef"] = {**there[0]["roleRef"], "name": CONTROLLER}
    cluster = PaperCluster(there)
    assert ("updating", f"ClusterRoleBinding/{CONTROLLER}--iris") in cluster.grant(rights.in_v1_namespace("iris"))
    (call,) = [call for call in cluster.calls if call[-1].startswith("ClusterRoleBinding")]
    assert call[:2] == ("auth", "reconcile"), "apply is refused where the role differs"


@pytest.mark.parametrize("verb", ["create", "apply", "auth reconcile"])
@pytest.mark.parametrize("reason", ["AlreadyExists", "Conflict"])
def test_what_somebody_else_brings_at_the_same_moment_is_no_obstacle(verb: str, reason: str) -> None:
    cluster = PaperCluster(refuses={verb: f"Error from server ({reason}): it is there"}, refuses_once=True)
    assert len(cluster.grant(rights.in_namespaces(["iris"]))) == 7


def test_a_namespace_that_is_going_is_refused_before_any_change() -> None:
    going = {"kind": "Namespace", "metadata": {"name": "iris", "deletionTimestamp": "2026-11-21T10:00:00Z"}}
    cluster = PaperCluster([going])
    with pytest.raises(BodyworkError, match="namespace iris is being deleted; nothing was changed"):
        cluster.grant(rights.in_namespaces(["iris"]))
    assert cluster.calls == []


@pytest.mark.parametrize(
    ("refused", "error", "done"),
    [("create", KubectlFailed, 0), ("apply", RunFailed, 2)],
    ids=["before the first change", "after it"],
)
def test_a_refusal_says_whether_something_was_changed(refused: str, error: type[BodyworkError], done: int) -> None:
    cluster = PaperCluster(refuses={refused: "Error from server (Forbidden): no"})
    with pytest.raises(BodyworkError) as failed:
        cluster.grant(rights.in_namespaces(["iris"]))
    assert type(failed.value) is error
    assert len(cluster.told) == done
    assert "Whoever owns the cluster may" in str(failed.value.hint)
    assert ("What is said above was done." in str(failed.value.hint)) is bool(done)


def test_what_may_not_be_read_is_tried() -> None:
    cluster = PaperCluster(refuses={"get": "Error from server (Forbidden): clusterroles is forbidden"})
    assert {action for action, _ in cluster.grant(rights.in_namespaces(["iris"]))} == {"creating"}


def test_a_dry_run_asks_only_about_what_has_a_place_already() -> None:
    cluster = PaperCluster([{"kind": "Namespace", "metadata": {"name": GROUPS}}])
    assert len(cluster.grant(rights.in_namespaces(["iris"]), dry_run=True)) == 7
    assert all("--dry-run=server" in call for call in cluster.calls)
    assert [call[-1] for call in cluster.calls] == [
        f"ServiceAccount/{CONTROLLER}",
        "Role/bodywork-secrets-groups",
        "RoleBinding/bodywork-secrets-groups",
        "Namespace/iris",
    ]


class PaperApi:
    """Has one ConfigMap, or refuses to say."""

    def __init__(self, answer: dict[str, Any] | Exception | None) -> None:
        self.answer = answer

    def elsewhere(self, namespace: str) -> PaperApi:
        assert namespace == GROUPS
        return self

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        assert (kind, name) == ("ConfigMap", "bodywork-controller")
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "image"),
    [({"data": {"image": "i:1"}}, "i:1"), ({"data": {}}, None), ({}, None), (None, None), (Refused("no"), None), (NotThere("no"), None)],
)
def test_the_image_is_read_back_or_there_is_none(answer: Any, image: str | None) -> None:
    assert work.remembered_image(PaperApi(answer)) == image  # type: ignore[arg-type]


def test_an_image_alone_changes_no_rights() -> None:
    assert [each.kind for each in objects_of(rights.as_they_are("i:2"))] == ["Namespace", "ConfigMap"]


@pytest.mark.parametrize(
    ("there", "reach"),
    [(["clusterrolebinding", "rolebinding"], "cluster"), (["rolebinding"], "namespaces"), ([], None)],
)
def test_what_was_given_before_is_known_by_its_bindings(there: list[str], reach: str | None) -> None:
    def execute(argv: tuple[str, ...], _stdin: str | None, _seconds: float) -> Result:
        return Result(argv=argv, out=f"{argv[2]}\n" if argv[2].partition("/")[0] in there else "")

    assert rights.reach(Kubectl(execute=execute), rights.IN_CLUSTER_BINDING, rights.GROUPS_ROLE) == reach
