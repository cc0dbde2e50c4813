"""What stood before a step changed it: the way back of a service that fails."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bodywork_compiler.api import Object
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.observe import annotation
from bodywork_compiler.runner.session import Session

TAKEN_BACK = ("Deployment", "Service", "Ingress")
REVISION = "deployment.kubernetes.io/revision"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SERVERS_OWN = ("resourceVersion", "uid", "creationTimestamp", "generation", "managedFields", "selfLink")


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """One object as it was; `object` is None where there was none."""

    kind: str
    name: str
    stage: str | None
    object: Object | None

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
        return {"apiVersion": _API_VERSIONS[self.kind], **found, "kind": self.kind, "metadata": metadata}


_API_VERSIONS = {"Deployment": "apps/v1", "Service": "v1", "Ingress": "networking.k8s.io/v1"}


def remember(session: Session, objects: Iterable[KubeObject]) -> tuple[Before, ...]:
    """The objects of a step as they are now."""
    return tuple(
        Before(kind=each.kind, name=each.name, stage=each.stage, object=find(session, each.kind, each.name))
        for each in objects
        if each.kind in TAKEN_BACK
    )


def find(session: Session, kind: str, name: str) -> Object | None:
    """An object as it is now, None when it is not there."""
    return session.ask(lambda: session.api.find(kind, name))


def template_of(deployment: Object | None) -> object:
    """What its pods are made from."""
    return ((deployment or {}).get("spec") or {}).get("template")
