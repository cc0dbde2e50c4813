"""Accounts, roles and bindings into a cluster. What is there already is no obstacle: a binding that was left over gets its role, roles their rules."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from bodywork_compiler.errors import BodyworkError, RunFailed
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import is_conflict, is_forbidden, is_there_already
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.manifests.kube_yaml import values as read_back
from bodywork_compiler.runner.groups import NAMESPACE
from bodywork_compiler.values import value

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
