"""What stood before a step changed it: the way back of a service that fails, and of all else when a run ends badly."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, PlanStep, to_json
from bodywork_compiler.runner import lease
from bodywork_compiler.runner.observe import annotation
from bodywork_compiler.runner.session import Session

TAKEN_BACK = ("Deployment", "Service", "Ingress")
REVISION = "deployment.kubernetes.io/revision"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_STEP = "step-"
LARGEST_RECORDED = 250_000
_SERVERS_OWN = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """One object as it was; `object` is None where there was none. `namespace` only where it is not the run's."""

    kind: str
    name: str
    stage: str | None
    object: Object | None
    api_version: str
    namespace: str | None = None

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
        return int(said) if said else None

    @property
    def last_applied(self) -> dict[str, Any] | None:
        """The manifest that made it what it was, as kubectl apply keeps it."""
        said = annotation(self.object, LAST_APPLIED) if self.object else None
        return json.loads(said) if said else None

    def whole(self) -> dict[str, Any]:
        """For an object that apply did not make: itself, without what the server alone decides."""
        found = dict(self.object or {})
        found.pop("status", None)
        metadata = {key: value for key, value in found["metadata"].items() if key not in _SERVERS_OWN}
        return {"apiVersion": self.api_version, **found, "kind": self.kind, "metadata": metadata}


def remember(session: Session, objects: Iterable[KubeObject]) -> tuple[Before, ...]:
    """The objects of a step as they are now. A Job is made anew by each run, and what is immutable is named by its content."""
    wanted = [each for each in objects if not (each.kind == "Job" and each.stage) and not each.body.get("immutable")]
    return tuple(found for each in wanted if (found := _before(session, each)))


def _before(session: Session, each: KubeObject) -> Before | None:
    namespace = each.namespace if each.namespace != session.namespace else None
    version = str(each.body.get("apiVersion"))
    try:
        found = live(session, version, each.kind, each.name, namespace)
    except Refused as no:
        session.notice(f"{each.kind.lower()}/{each.name} may not be read, so that it could not be put back: {no.message}", "WARNING")
        return None
    return Before(kind=each.kind, name=each.name, stage=each.stage, object=found, api_version=version, namespace=namespace)


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
    return {int(key.removeprefix(_STEP)): tuple(_unpacked(text)) for key, text in packed.items() if key.startswith(_STEP)}


def forget(session: Session) -> None:
    """At the end of a run there is no way back any more, nor a need of one."""
    has_former = session.lock and session.lock.former and session.lock.former.was_cut_off
    if not (session.befores or has_former):
        return
    session.befores = {}
    result = session.kubectl.try_("delete", "configmap", record_name_of(session.plan.pipeline), "--ignore-not-found")
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
    return each.kind == "Secret" or len(json.dumps(each.object)) > LARGEST_RECORDED


def _kept(found: Object | None) -> Object | None:
    if found is None:
        return None
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    return {**{key: value for key, value in found.items() if key != "status"}, "metadata": metadata}


def _unpacked(text: str) -> Iterable[Before]:
    try:
        plain = json.loads(gzip.decompress(base64.b64decode(text)))
        return [
            Before(
                kind=each["kind"],
                name=each["name"],
                stage=each["stage"],
                object=each["object"],
                api_version=each["version"],
                namespace=each["namespace"],
            )
            for each in plain
        ]
    except (ValueError, KeyError, OSError, EOFError) as broken:
        raise BodyworkError(
            f"the record of what stood before the run cannot be read: {broken}", hint="Run it anew: bodywork apply, without --resume."
        ) from broken


def find(session: Session, kind: str, name: str) -> Object | None:
    """An object as it is now, None when it is not there."""
    return session.ask(lambda: session.api.find(kind, name))


def template_of(deployment: Object | None) -> object:
    """What its pods are made from."""
    return ((deployment or {}).get("spec") or {}).get("template")
