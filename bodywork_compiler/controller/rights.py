"""Which accounts, roles and bindings the controller needs, as text rendered from templates/, and how they come into a cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.controller import work
from bodywork_compiler.controller.work import ACCOUNT
from bodywork_compiler.errors import BodyworkError, RunFailed
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import is_conflict, is_forbidden, is_there_already
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.manifests.kube_yaml import values as read_back
from bodywork_compiler.manifests.privileges import check_namespace
from bodywork_compiler.names import CONTROLLER_ACCOUNTS
from bodywork_compiler.runner.copies import NAMESPACE
from bodywork_compiler.values import value

V1_STAGES_ACCOUNT = CONTROLLER_ACCOUNTS[1]
IN_CLUSTER_BINDING = f"{ACCOUNT}--{NAMESPACE}"  # the ancestor's name for it
GROUPS_ROLE = "bodywork-secrets-groups"
NAMESPACES_ROLE = "bodywork-namespaces"  # the ancestor's v1 gave it the name of v3's, which may do far more
_LABELS = (("app.kubernetes.io/managed-by", "bodywork"),)


def in_whole_cluster(image: str | None = None) -> Iterator[str]:
    """The ancestor's reach: the controller may run a pipeline in any namespace, and read every secret."""
    yield _render("namespace", NAMESPACE, None)
    yield _render("controller-service-account", ACCOUNT, NAMESPACE)
    yield _render("controller-cluster-role", ACCOUNT, None)
    yield _binding(IN_CLUSTER_BINDING, None, role=ACCOUNT, of=NAMESPACE)
    yield from _settings(image)


def in_namespaces(namespaces: Sequence[str], image: str | None = None) -> Iterator[str]:
    """In the named namespaces what a run needs there, of the groups' secrets that they may be got by name, and nothing else."""
    for namespace in namespaces:
        check_namespace(namespace)
    yield _render("namespace", NAMESPACE, None)
    yield _render("controller-service-account", ACCOUNT, NAMESPACE)
    yield _render("controller-groups-role", GROUPS_ROLE, NAMESPACE)
    yield _binding(GROUPS_ROLE, NAMESPACE, role=GROUPS_ROLE, of=NAMESPACE)
    for namespace in dict.fromkeys(namespaces):
        yield _render("namespace", namespace, None)
        yield _render("controller-role", ACCOUNT, namespace)
        yield _binding(IN_CLUSTER_BINDING, namespace, role=ACCOUNT, of=NAMESPACE)
    yield from _settings(image)


def as_they_are(image: str) -> Iterator[str]:
    """No rights, only what the cluster is to remember."""
    yield _render("namespace", NAMESPACE, None)
    yield from _settings(image)


def in_v1_namespace(namespace: str) -> Iterator[str]:
    """v1's: everything in the pipeline's own namespace, and the list of namespaces. Stage pods need no rights, so that their account has none."""
    check_namespace(namespace)
    yield _render("namespace", namespace, None)
    yield _render("controller-service-account", ACCOUNT, namespace)
    yield _render("controller-role", ACCOUNT, namespace)
    yield _binding(ACCOUNT, namespace, role=ACCOUNT, of=namespace)
    yield _render("controller-namespaces-role", NAMESPACES_ROLE, None)
    yield _binding(f"{ACCOUNT}--{namespace}", None, role=NAMESPACES_ROLE, of=namespace)
    yield _render("controller-service-account", V1_STAGES_ACCOUNT, namespace)


def _settings(image: str | None) -> Iterator[str]:
    if image:
        yield _render("controller-settings", work.NAME, NAMESPACE, settings=((work.IMAGE, image),))


def _binding(name: str, namespace: str | None, *, role: str, of: str) -> str:
    """`of`: the namespace of the account that is given the role."""
    is_in_cluster = namespace is None
    return _render(
        "controller-binding",
        name,
        namespace,
        kind="ClusterRoleBinding" if is_in_cluster else "RoleBinding",
        role_kind="ClusterRole" if is_in_cluster else "Role",
        role=role,
        account=ACCOUNT,
        account_namespace=of,
    )


def _render(template: str, name: str, namespace: str | None, **variables: object) -> str:
    common = {"name": name, "namespace": namespace, "labels": _LABELS, "annotations": ()}
    return Engine().render(template, {**common, **variables})


Reach = Literal["cluster", "namespaces"]
Action = Literal["creating", "updating", "exists"]
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")
_APPLIED = ("Role", "ClusterRole", "ConfigMap")
_WHO_MAY = "Whoever owns the cluster may; what is to be made is printed by --dry-run=client -o yaml."
_SAYS = ("rules", "roleRef", "subjects", "data")  # what is compared: the rest of these objects is the server's


@value
class Granted:
    """One object, and what was done about it."""

    kind: str
    name: str
    namespace: str | None
    action: Action


def objects_of(texts: Iterable[str]) -> list[KubeObject]:
    return [KubeObject(body) for text in texts for body in read_back(text)]


def grant(kubectl: Kubectl, objects: Sequence[KubeObject], tell: Callable[[Granted], None], *, dry_run: bool = False) -> None:
    """Bring them in, in their order. `dry_run` lets the API server check what can be checked before the namespaces are there."""
    there = _standing(kubectl, objects)
    _refuse_going(there.values())
    wanted = [(each, _action(each, there.get(_key(each)))) for each in objects]
    absent = {each.name for each, action in wanted if each.kind == "Namespace" and action == "creating"}
    changed = False
    for each, action in wanted:
        try:
            if action != "exists" and not (dry_run and each.namespace in absent):
                _bring(kubectl, each, dry_run=dry_run)
        except KubectlFailed as failed:
            if changed and not dry_run:
                raise RunFailed(failed.message, hint="\n  ".join(["What is said above was done.", failed.hint or ""]).rstrip()) from failed
            raise
        changed = changed or action != "exists"
        tell(Granted(kind=each.kind, name=each.name, namespace=each.namespace, action=action))


def reach(kubectl: Kubectl, cluster_binding: str, groups_binding: str) -> Reach | None:
    """What the controller was given before, as these bindings say. Who may not know is told of none."""
    if _is_there(kubectl, "clusterrolebinding", cluster_binding):
        return "cluster"
    return "namespaces" if _is_there(kubectl.in_namespace(NAMESPACE), "rolebinding", groups_binding) else None


def _is_there(kubectl: Kubectl, kind: str, name: str) -> bool:
    result = kubectl.try_("get", f"{kind}/{name}", "--ignore-not-found", "--output=name")
    return result.exit_code == 0 and bool(result.out.strip())


def _bring(kubectl: Kubectl, each: KubeObject, *, dry_run: bool) -> None:
    """Somebody else may bring the same at the same moment: then it is there, and ours is asked once more."""
    words = [*_words(each, dry_run=dry_run), *(["--dry-run=server"] if dry_run else [])]
    result = kubectl.try_(*words, stdin=to_json([each]))
    if result.exit_code != 0 and (is_there_already(result.err) or is_conflict(result.err)):
        if words[0] == "create":
            return
        result = kubectl.try_(*words, stdin=to_json([each]))
    if result.exit_code != 0:
        failed = KubectlFailed(result)
        failed.hint = _WHO_MAY if is_forbidden(result.err) else failed.hint
        raise failed


def _words(each: KubeObject, *, dry_run: bool) -> list[str]:
    if each.kind in _APPLIED:
        return ["apply", "-f", "-"]
    if each.kind in _BINDINGS and not dry_run:
        # apply is refused where a binding shall lead to another role: reconcile makes such a binding anew
        return ["auth", "reconcile", "-f", "-", "--remove-extra-subjects"]
    return ["create", "-f", "-"]


def _standing(kubectl: Kubectl, objects: Sequence[KubeObject]) -> dict[tuple[str, str, str | None], dict[str, Any]]:
    """Those that are there. What may not be read is taken for absent: that it is there is then said when it is made."""
    result = kubectl.try_("get", "--ignore-not-found", "--output=json", "-f", "-", stdin=to_json(objects))
    if result.exit_code != 0 and not is_forbidden(result.err):
        raise KubectlFailed(result)
    answer = json.loads(result.out) if result.out.strip() else {"items": []}
    found = (KubeObject(body) for body in answer.get("items", [answer]))
    return {_key(each): dict(each.body) for each in found}


def _refuse_going(found: Iterable[dict[str, Any]]) -> None:
    """A namespace that is being deleted takes with it all that would be made in it."""
    going = [each["metadata"]["name"] for each in found if each["kind"] == "Namespace" and each["metadata"].get("deletionTimestamp")]
    if going:
        raise BodyworkError(
            f"namespace {', '.join(going)} is being deleted; nothing was changed", hint="Wait until it is gone, then try again."
        )


def _key(each: KubeObject) -> tuple[str, str, str | None]:
    return each.kind, each.name, each.namespace


def _action(wanted: KubeObject, found: dict[str, Any] | None) -> Action:
    if found is None:
        return "creating"
    return (
        "exists" if all(_plain(found.get(part)) == _plain(wanted.body.get(part)) for part in _SAYS if part in wanted.body) else "updating"
    )


def _plain(part: object) -> str:
    return json.dumps(part, sort_keys=True)
