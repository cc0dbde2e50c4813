"""An object as people wrote it: without what the server sets, and without the values of secrets. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.preview.values import Object

MASK = "***"
_SERVERS_FIELDS = {"creationTimestamp", "deletionTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"}
_SERVERS_ANNOTATIONS = {"kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision"}
_NOT_SHOWN = {
    *_SERVERS_ANNOTATIONS,
    labels.TRACKING,
}  # what a run would only mark as its own is no change: `kubectl apply` may have made it
# https://kubernetes.io/docs/concepts/workloads/controllers/job/#specifying-your-own-pod-selector
_JOBS_OWN_LABELS = {"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"}
_SECRETS_FIELDS = ("data", "stringData")


def cleaned(obj: Object) -> dict[str, Any]:
    """Without what the server alone decides. A manifest and what became of it in the cluster are then alike, but for defaults."""
    found = {key: value for key, value in obj.items() if key != "status"}
    found["metadata"] = _metadata(obj.get("metadata") or {}, _NOT_SHOWN)
    if obj.get("kind") == "Job":
        found["spec"] = _job_spec(obj.get("spec") or {})
    if "binaryData" in found:
        found["binaryData"] = {key: _in_short(str(value)) for key, value in (found["binaryData"] or {}).items()}
    return found


def masked(before: Object, after: Object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both without the values of a Secret; one that differs is told from one that does not."""
    return _masked(before, after, "before"), _masked(after, before, "after")


def _masked(obj: Object, other: Object, word: str) -> dict[str, Any]:
    found = dict(obj)
    for field in _SECRETS_FIELDS:
        if field in found:
            others = other.get(field) or {}
            values = (found[field] or {}).items()
            found[field] = {key: MASK if key not in others or others[key] == value else f"{MASK} ({word})" for key, value in values}
    return found


def _metadata(metadata: Mapping[str, Any], annotations_not_shown: set[str]) -> dict[str, Any]:
    found = {key: value for key, value in metadata.items() if key not in _SERVERS_FIELDS}
    shown = {key: value for key, value in (found.pop("annotations", None) or {}).items() if key not in annotations_not_shown}
    return {**found, "annotations": shown} if shown else found


def _job_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Without its selector and the labels that go with it: both name the Job's own uid."""
    found = {key: value for key, value in spec.items() if key not in {"selector", "manualSelector"}}
    template = dict(found.get("template") or {})
    metadata = dict(template.get("metadata") or {})
    metadata["labels"] = {key: value for key, value in (metadata.get("labels") or {}).items() if key not in _JOBS_OWN_LABELS}
    return {**found, "template": {**template, "metadata": metadata}}


def _in_short(base64: str) -> str:
    """Nobody reads an archive: enough of it to see whether it is another one."""
    return f"{len(base64)} characters of base64, SHA-256 {hashlib.sha256(base64.encode()).hexdigest()[:12]}"
