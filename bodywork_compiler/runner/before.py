"""What stood before a step changed it: the way back of a service that fails, and of all else when a run ends badly."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.manifests import KubeObject, PlanStep, to_json
from bodywork_compiler.manifests.privileges import privileges
from bodywork_compiler.runner import lease
from bodywork_compiler.runner.applying import is_put_whole
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.watching import annotation, json_in, name

TAKEN_BACK = ("Deployment", "Service", "Ingress")
REVISION = "deployment.kubernetes.io/revision"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_STEP = "step-"
LARGEST_RECORDED = 250_000
# API group and kind of what a record holds. Anybody who may write ConfigMaps may forge it: it gives nobody rights, credentials, code or other namespaces
RECORDED = {
    ("", "ConfigMap"),
    ("", "Service"),
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("batch", "CronJob"),
    ("networking.k8s.io", "Ingress"),
    ("policy", "PodDisruptionBudget"),
}
_WITH_PODS = {"Deployment", "StatefulSet", "DaemonSet", "CronJob"}
_FORMER_REVISIONS = "deployment.kubernetes.io/revision-history"  # on a ReplicaSet, of a version that stood more than once
_REVISION = re.compile("[0-9]{1,9}")
_LARGEST_BYTES = 16 * 2**20  # of a record, unpacked
_SERVERS_OWN = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink", "deletionTimestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """One object as it was; `object` is None where there was none. `namespace` only where it is not the run's, `wanted` is what the run applies."""

    kind: str
    name: str
    stage: str | None
    object: Object | None
    api_version: str
    namespace: str | None = None
    wanted: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_of_service(self) -> bool:
        """A part of a stage, which goes back with it; all else goes back at the end of a bad run."""
        return self.stage is not None and self.kind in TAKEN_BACK

    @property
    def words(self) -> str:
        return f"{self.kind.lower()}/{self.name}"

    @property
    def revision(self) -> int | None:
        """The Deployment's, by number."""
        said = annotation(self.object, REVISION) if self.object else None
        return int(said) if said and _REVISION.fullmatch(said) else None

    @property
    def last_applied(self) -> dict[str, Any] | None:
        """The manifest that made it what it was, as kubectl apply keeps it."""
        said = json_in(annotation(self.object, LAST_APPLIED)) if self.object else None
        return said if self._is_of_it(said) else None

    def _is_of_it(self, manifest: Any) -> bool:
        """Anybody who may write the annotation may have put another object's manifest there."""
        if not is_object(manifest) or (manifest.get("kind"), manifest["metadata"].get("name")) != (self.kind, self.name):
            return False
        namespaces = {None, self.namespace, (self.object or {})["metadata"].get("namespace")}
        return (
            group_of(str(manifest.get("apiVersion", ""))) == group_of(self.api_version)
            and manifest["metadata"].get("namespace") in namespaces
        )

    def way_back(self) -> tuple[str, KubeObject]:
        """kubectl's verb, and what it is given. Applying its last manifest leaves alone what controllers have set since; but that manifest does not
        know what somebody has changed by hand, and then the object is replaced by all that it was."""
        applied = self.last_applied
        if applied is None or is_put_whole(KubeObject(self.wanted)) or not _brings_back(applied, self.whole(), self.wanted):
            return "replace", KubeObject(self.whole())
        return "apply", KubeObject(applied)

    def whole(self) -> dict[str, Any]:
        """Itself, without what the server alone decides."""
        found = dict(self.object or {})
        found.pop("status", None)
        metadata = {key: value for key, value in found["metadata"].items() if key not in _SERVERS_OWN}
        return {"apiVersion": self.api_version, **found, "kind": self.kind, "metadata": metadata}


def _brings_back(applied: Any, was: Any, wanted: Any) -> bool:
    """Whether applying one manifest over another gives back what was there: each value that it names was there, and nothing that only the other names,
    which apply takes away. What neither names is the server's default, or stays. What is nowhere in the other is made anew, as the manifest says."""
    if was is None or applied is None:
        return not applied and applied != ""
    if isinstance(applied, dict) and isinstance(was, dict) and isinstance(wanted, Mapping) and applied.get("name") == wanted.get("name"):
        return all(_brings_back(value, was.get(key), wanted.get(key)) for key, value in applied.items()) and not any(
            key in was and key not in applied for key in wanted
        )
    if isinstance(applied, list) and isinstance(was, list) and isinstance(wanted, list) and len(applied) == len(was) == len(wanted):
        return all(map(_brings_back, applied, was, wanted))
    return bool(applied == was)


def remember(session: Session, objects: Iterable[KubeObject]) -> tuple[Before, ...]:
    """The objects of a step as they are now. A Job is made anew by each run, and what is immutable is named by its content."""
    return tuple(found for each in objects if _is_changed_by_runs(each) and (found := _before(session, each)))


def _is_changed_by_runs(each: KubeObject) -> bool:
    return not (each.kind == "Job" and each.stage) and not each.body.get("immutable")


def _before(session: Session, each: KubeObject) -> Before | None:
    namespace = _elsewhere(session, each)
    version = str(each.body.get("apiVersion"))
    try:
        found = live(session, version, each.kind, each.name, namespace)
    except Refused as no:
        session.notice(f"{each.kind.lower()}/{each.name} may not be read, so that it could not be put back: {no.message}", "WARNING")
        return None
    return Before(
        kind=each.kind, name=each.name, stage=each.stage, object=found, api_version=version, namespace=namespace, wanted=each.body
    )


def _elsewhere(session: Session, each: KubeObject) -> str | None:
    return each.namespace if each.namespace != session.namespace else None


def live(session: Session, api_version: str, kind: str, name: str, namespace: str | None) -> Object | None:
    """An object of any kind as it is now; one of a kind that the API server does not know, or not yet, is not there."""
    if kind in TAKEN_BACK and namespace is None:
        return find(session, kind, name)
    api = session.api.elsewhere(namespace) if namespace else session.api
    try:
        return session.ask(lambda: api.find_any(api_version, kind, name))
    except NotThere:
        return None


def standing_before(session: Session, step: PlanStep) -> tuple[Before, ...]:
    """The objects of a step as they were before this run, or the one that it resumes, changed them. Written down before that."""
    if step.number not in session.befores:
        found = remember(session, step.objects)
        if found:
            session.befores[step.number] = found
            _write(session)
    return session.befores.get(step.number, ())


def recorded(session: Session, run: str) -> dict[int, tuple[Before, ...]]:
    """Step → what a run that was cut off has written down."""
    found = find(session, "ConfigMap", record_name_of(session.plan.pipeline))
    if found is None or annotation(found, lease.RUN) != run:
        return {}
    packed = found.get("binaryData") or {}
    steps = {step.number: step for step in session.plan.steps if f"{_STEP}{step.number}" in packed}
    return {number: _of_the_step(session, step, packed[f"{_STEP}{number}"]) for number, step in steps.items()}


def _of_the_step(session: Session, step: PlanStep, packed: str) -> tuple[Before, ...]:
    """What the record says of objects that the step has: anybody may have written it, and nothing else may be put back or removed."""
    unpacked = _unpacked(packed)
    if unpacked is None:
        name = record_name_of(session.plan.pipeline)
        session.notice(f"what was there before step {step.number} is not known: configmap {name} cannot be read", "WARNING")
    said = {(each.api_version, each.kind, each.name, each.stage, each.namespace): each for each in unpacked or ()}
    taken, left = [], []
    for each in filter(_is_changed_by_runs, step.objects):
        was = said.get((str(each.body.get("apiVersion")), each.kind, each.name, each.stage, _elsewhere(session, each)))
        why: str | None = "the record does not have it"
        if was and was.object and was.kind in _WITH_PODS:
            was = _with_clusters_pods(session, was)
            why = "a record is not believed about what its pods run, and no ReplicaSet in the cluster has the revision"
        why = _refused(session, was, each) if was else why
        if was and not why:
            taken.append(replace(was, wanted=each.body))
        else:
            left.append(f"{each.kind.lower()}/{each.name} ({why})")
    if left:
        session.notice(f"if this run fails, it does not put back what was there before it was cut off: {', '.join(left)}", "WARNING")
    return tuple(taken)


def _with_clusters_pods(session: Session, was: Before) -> Before | None:
    """With the template that the ReplicaSet of its revision has, whatever the record says; None where there is none that this object made."""
    if was.kind != "Deployment" or was.object is None or was.revision is None:
        return None
    api = session.api.elsewhere(was.namespace) if was.namespace else session.api
    try:
        now = live(session, was.api_version, was.kind, was.name, was.namespace)
        sets = session.ask(lambda: api.outlines("ReplicaSet", {})) if now else []
        its_name = next((name(each) for each in sets if now and _is_owned(each, now) and str(was.revision) in _revisions(each)), None)
        found = session.ask(lambda: api.find("ReplicaSet", its_name)) if its_name else None
    except Refused:
        found = None
    if found is None:
        return None
    template = copy.deepcopy(found["spec"]["template"])
    template.get("metadata", {}).get("labels", {}).pop("pod-template-hash", None)
    return replace(was, object={**was.object, "spec": {**(was.object.get("spec") or {}), "template": template}})


def _is_owned(replica_set: Object, deployment: Object) -> bool:
    owners = replica_set["metadata"].get("ownerReferences") or ()
    return any(each.get("controller") and each.get("uid") == deployment["metadata"]["uid"] for each in owners)


def _revisions(replica_set: Object) -> list[str]:
    return [*(annotation(replica_set, _FORMER_REVISIONS) or "").split(","), annotation(replica_set, REVISION) or ""]


def _refused(session: Session, was: Before, wanted: KubeObject) -> str | None:
    """Why what a record says is not put back, in half a sentence: it may ask for nothing that the plan's own object does not ask for."""
    if (group_of(was.api_version), was.kind) not in RECORDED:
        return "records of its kind are not trusted"
    if was.object is None:
        return None
    if was.object["metadata"].get("namespace") not in {None, was.namespace or session.namespace}:
        return "the record says another namespace"
    allowed, asked = _asks_for(session, wanted), _asks_for(session, KubeObject(was.whole()))
    return next((f"{path}: {gives}" for path, gives in asked if (path, gives) not in allowed), None)


def _asks_for(session: Session, manifest: KubeObject) -> list[tuple[str, str]]:
    accounts = [each for step in session.plan.steps for each in step.objects if each.kind == "ServiceAccount"]
    found = privileges([*accounts, manifest], session.plan.pipeline, session.namespace)
    return [(each.path, each.gives) for each in found if each.object == f"{manifest.kind} {manifest.name}"]


def forget(session: Session) -> None:
    """At the end of a run there is no way back any more, nor a need of one."""
    has_former = session.lock and session.lock.former and session.lock.former.was_cut_off
    if not (session.befores or has_former):
        return
    session.befores = {}
    result = session.kubectl.try_("delete", f"configmap/{record_name_of(session.plan.pipeline)}", "--ignore-not-found")
    if result.exit_code != 0:
        session.notice(f"not removed: configmap {record_name_of(session.plan.pipeline)}: {result.said}", "WARNING")


def _write(session: Session) -> None:
    """In one call, whether it is there or not. Server-side, since kubectl would keep all of it twice otherwise."""
    if not session.lock:
        return
    metadata = {
        "name": record_name_of(session.plan.pipeline),
        "namespace": session.namespace,
        "labels": {labels.PIPELINE: session.plan.pipeline, "app.kubernetes.io/managed-by": "bodywork"},
        "annotations": {lease.RUN: session.lock.run},
    }
    packed = {f"{_STEP}{number}": _packed(each) for number, each in session.befores.items()}
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "binaryData": packed}
    session.kubectl.run("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=to_json([KubeObject(body)]))


def record_name_of(pipeline: str) -> str:
    return f"{labels.object_name(pipeline)}-before"


def _packed(befores: Iterable[Before]) -> str:
    """Without what nobody needs for the way back: a ConfigMap ends at 1 MiB, which is some hundreds of services so."""
    plain = [
        {
            "kind": each.kind,
            "name": each.name,
            "stage": each.stage,
            "version": each.api_version,
            "namespace": each.namespace,
            "object": _kept(each.object),
        }
        for each in befores
        if not _is_kept_back(each)
    ]
    return base64.b64encode(gzip.compress(json.dumps(plain).encode(), mtime=0)).decode()


def _is_kept_back(each: Before) -> bool:
    """Values of secrets are copied nowhere, and what is large does not fit: this run knows it, one that resumes it does not."""
    return (group_of(each.api_version), each.kind) not in RECORDED or len(json.dumps(each.object)) > LARGEST_RECORDED


def _kept(found: Object | None) -> Object | None:
    if found is None:
        return None
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


def _unpacked(text: str) -> list[Before] | None:
    """None where it cannot be read. Never more than a record of ours can hold: a megabyte of gzip may hold a gigabyte."""
    try:
        unzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        plain = json_in(unzip.decompress(base64.b64decode(text), _LARGEST_BYTES).decode())
    except (ValueError, TypeError, zlib.error):
        return None
    if unzip.unconsumed_tail or not isinstance(plain, list):
        return None
    return [before for each in plain if (before := _read(each))]


def _read(plain: Any) -> Before | None:
    """None where it is not what a run would have written."""
    if not isinstance(plain, dict):
        return None
    kind, name, version, found = (plain.get(key) for key in ("kind", "name", "version", "object"))
    stage, namespace = plain.get("stage"), plain.get("namespace")
    if not all(isinstance(each, str) for each in (kind, name, version)) or not all(
        isinstance(each, str | None) for each in (stage, namespace)
    ):
        return None
    if found is not None and not (is_object(found) and found["metadata"].get("name") == name and found.get("kind", kind) == kind):
        return None
    if found is not None and group_of(str(found.get("apiVersion", version))) != group_of(str(version)):
        return None
    return Before(kind=str(kind), name=str(name), stage=stage, object=found, api_version=str(version), namespace=namespace)


def group_of(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def is_object(found: Any) -> bool:
    """Whether it has the form that all of Kubernetes' objects have, as far as a way back reads it."""
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        return False
    spec, metadata = found.get("spec"), found["metadata"]
    if not all(isinstance(part, dict | None) for part in (spec, metadata.get("labels"), metadata.get("annotations"))):
        return False
    return isinstance((spec or {}).get("progressDeadlineSeconds"), int | None)


def find(session: Session, kind: str, name: str) -> Object | None:
    """An object as it is now, None when it is not there."""
    return session.ask(lambda: session.api.find(kind, name))


def template_of(deployment: Object | None) -> object:
    """What its pods are made from."""
    return ((deployment or {}).get("spec") or {}).get("template")
