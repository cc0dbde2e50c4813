"""Taking a pipeline away: only what bears its label, never under a run's hands, and not done before it and its pods are gone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bodywork_compiler import labels
from bodywork_compiler.api import Api, NotThere, Object, Refused
from bodywork_compiler.deployed.reading import Deployed, listed, of, pipelines_in, pods_of
from bodywork_compiler.errors import BodyworkError, TimedOut
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import lease, lock
from bodywork_compiler.runner.prune import HOLD_OTHERS
from bodywork_compiler.runner.tracking import Home, namespace_of
from bodywork_compiler.runner.verdicts.pods import owner as controller_of
from bodywork_compiler.runner.watching import annotation, name, uid
from bodywork_compiler.to_copy import to_copy


def lease_of(api: Api, pipeline: str) -> Object | None:
    """None: there is none, or it may not be read, and then it stays."""
    try:
        return api.find("Lease", labels.object_name(pipeline))
    except Refused:
        return None


def refuse_while_held(api: Api, pipeline: str) -> None:
    """Raises LockHeld while a run holds it, unless that is a dead process of this host."""
    record = lease.record_of(lease_of(api, pipeline))
    if record is None or record.holder is None:
        return
    if not lease.is_dead(record.process, lock.this_process(), lock.start_of):
        raise lease.LockHeld(
            f"pipeline {pipeline} in namespace {api.namespace} is held by a run: {lease.held_words(record)}; nothing was deleted",
            hint=f"Let it end, or stop it. If it is dead (it was last heard of at {record.renewed[:19]}Z): --break-lock.",
        )


POLL_SECONDS = 0.5
_SHOWN = 5
_IN_EVERY_NAMESPACE = {"kube-root-ca.crt"}
_API_VERSIONS = {"Ingress": "networking.k8s.io/v1", "Deployment": "apps/v1", "Job": "batch/v1", "Lease": lease.API_VERSION}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long is waited, by which clock."""

    seconds: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep


def shown(objects: Sequence[Object]) -> list[str]:
    """`deployment/scoring-service`, as kubectl takes it."""
    return [f"{each['kind'].lower()}/{name(each)}" for each in objects]


def without_others(deployed: Deployed) -> tuple[Deployed, list[str]]:
    """What is deleted with the pipeline, and in words what is not: Helm's, another application's, a controller's, although runs have made it."""
    home = Home(deployed.pipeline, deployed.namespace).among(deployed.objects)
    owners = [(each, home.owner_of(each)) for each in (*deployed.objects, *deployed.added)]
    kept = [each for each, owner in owners if owner]
    ours = replace(
        deployed,
        objects=tuple(each for each in deployed.objects if each not in kept),
        added=tuple(each for each in deployed.added if each not in kept),
    )
    return ours, [f"{shown([each])[0]} (it is {owner}'s)" for each, owner in owners if owner]


def copied_secrets(api: Api, pipeline: str) -> list[Object]:
    """The copies of a group's secrets that runs of this pipeline made; any other secret is a person's."""
    home = Home(pipeline, api.namespace)
    return [each for each in listed(api, of(pipeline), ["Secret"]) if home.copied(each)]


def refuse_foreign_namespace(api: Api, pipeline: str) -> None:
    """A namespace is deleted only when Bodywork made it, and no other pipeline is in it."""
    found = api.get("Namespace", api.namespace)
    if not annotation(found, labels.CREATED_BY):
        raise BodyworkError(
            f"namespace {api.namespace} was not made by Bodywork; nothing was deleted",
            hint=f"Without --namespace-too the pipeline alone is deleted; the namespace: {to_copy('kubectl', 'delete', 'namespace', names=[api.namespace])}",
        )
    others = [each for each in pipelines_in(api) if each != pipeline]
    if others:
        raise BodyworkError(
            f"namespace {api.namespace} holds other pipelines too: {', '.join(others)}; nothing was deleted",
            hint="Delete them first, or leave --namespace-too out.",
        )


def delete(api: Api, kubectl: Kubectl, deployed: Deployed, patience: Patience) -> None:
    """Deletes its objects and waits until they, and the pods that they made, are gone."""
    uids = {uid(each) for each in deployed.objects}
    added = goes_with_it(deployed)
    _delete(kubectl, [_reference(each, deployed.namespace) for each in deployed.objects])
    for there in dict.fromkeys(namespace_of(each) for each in added):
        mine = [each for each in added if namespace_of(each) == there]
        _delete(kubectl.in_namespace(there) if there else kubectl, [_reference(each, there) for each in mine])
    kinds = sorted({str(each["kind"]) for each in deployed.objects} - {"Lease"})  # which goes at once
    _until_none_is_left(
        lambda: [*_left(api, deployed.pipeline, uids, kinds), *shown([each for each in added if _of_any_kind_is_still_there(api, each)])],
        patience,
    )


def delete_service(api: Api, kubectl: Kubectl, objects: Sequence[Object], patience: Patience) -> None:
    """Deletes one service's Deployment, Service and Ingress, whoever made them, and waits until they are gone: a Deployment after its pods."""
    _delete(kubectl, [_reference(each, api.namespace) for each in objects], "--cascade=foreground")
    _until_none_is_left(lambda: shown([each for each in objects if _is_still_there(api, each)]), patience)


def goes_with_it(deployed: Deployed) -> list[Object]:
    """What manifests have brought along, but for what holds more than itself."""
    return [each for each in deployed.added if each["kind"] not in HOLD_OTHERS]


def stays(deployed: Deployed) -> list[Object]:
    return [each for each in deployed.added if each["kind"] in HOLD_OTHERS]


def _is_still_there(api: Api, obj: Object) -> bool:
    found = api.find(obj["kind"], name(obj))
    return found is not None and uid(found) == uid(obj)


def _of_any_kind_is_still_there(api: Api, obj: Object) -> bool:
    there = api.elsewhere(namespace_of(obj) or api.namespace)
    try:
        found = there.find_any(str(obj["apiVersion"]), obj["kind"], name(obj))
    except NotThere:  # its kind is gone too
        return False
    return found is not None and uid(found) == uid(obj)


def delete_namespace(api: Api, kubectl: Kubectl, patience: Patience) -> None:
    _delete(kubectl, [KubeObject({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": api.namespace}})])
    _until_none_is_left(lambda: _namespace_left(api), patience)


def left_in_namespace(api: Api, without: Sequence[Object] = ()) -> list[str]:
    """What a person may want to keep: `secret/aws`, `12 jobs`. What every namespace holds is left out, and a pipeline's objects, `without`."""
    known, found = {(each["kind"], name(each)) for each in without if namespace_of(each) in {None, api.namespace}}, []
    for kind in _WORTH_KEEPING:
        try:
            outlines = api.outlines(kind, {})
        except Refused:
            found.append(f"{kind.lower()}s, which you may not list")
            continue
        names = [name(each) for each in outlines if name(each) not in _IN_EVERY_NAMESPACE and (kind, name(each)) not in known]
        found += [f"{kind.lower()}/{each}" for each in names] if len(names) <= _SHOWN else [f"{len(names)} {kind.lower()}s"]
    return found


_WORTH_KEEPING = (
    *("Deployment", "StatefulSet", "DaemonSet", "Service", "Ingress", "Job", "CronJob"),
    *("PersistentVolumeClaim", "Secret", "ConfigMap"),
)


def refuse_what_else_is_there(api: Api, pipeline: str, left: Sequence[str]) -> None:
    """Of what others keep in the namespace nobody was told who is not asked."""
    if left:
        raise BodyworkError(
            f"namespace {api.namespace} holds more than {pipeline}: {', '.join(left)}; nothing was deleted",
            hint="To delete the namespace with all of it, add --yes. Without --namespace-too the pipeline alone is deleted.",
        )


def _delete(kubectl: Kubectl, objects: Sequence[KubeObject], *options: str) -> None:
    # on stdin, since a thousand names do not fit into an argv everywhere
    kubectl.run("delete", "-f", "-", "--ignore-not-found", "--wait=false", *options, stdin=to_json(objects))


def _reference(obj: Object, namespace: str | None) -> KubeObject:
    metadata = {"name": name(obj), **({"namespace": namespace} if namespace else {})}
    version = obj.get("apiVersion") or _API_VERSIONS.get(obj["kind"], "v1")
    return KubeObject({"apiVersion": version, "kind": obj["kind"], "metadata": metadata})


def _left(api: Api, pipeline: str, uids: set[str], kinds: Sequence[str]) -> list[str]:
    """What was to go and is still there. A pod that nobody's controller made was put there by a person, and is theirs."""
    objects = [each for each in listed(api, of(pipeline), kinds) if uid(each) in uids]
    return shown([*objects, *(each for each in pods_of(api, pipeline) if controller_of(each))])


def _namespace_left(api: Api) -> list[str]:
    try:
        return shown([api.get("Namespace", api.namespace)])
    except (NotThere, Refused):  # whose rights were in the namespace may not ask after it once they are gone
        return []


def _until_none_is_left(left: Callable[[], list[str]], patience: Patience) -> None:
    give_up_at = patience.clock() + patience.seconds
    while still := left():
        if patience.clock() >= give_up_at:
            more = f" and {len(still) - _SHOWN} more" if len(still) > _SHOWN else ""
            raise TimedOut(f"deleted, but after {patience.seconds:g} s not gone yet: {', '.join(still[:_SHOWN])}{more}")
        patience.sleep(POLL_SECONDS)
