"""Objects made by hand, as small as the rule that they show."""

from typing import Any


def a_pod(  # one keyword for each thing that a rule reads
    name: str = "train-abc",
    *,
    owner_uid: str = "job-1",
    owner: str = "train",
    phase: str = "Running",
    created: str = "2026-11-21T07:00:00Z",
    init: tuple[dict[str, Any], ...] = (),
    main: tuple[dict[str, Any], ...] = (),
    conditions: tuple[dict[str, Any], ...] = (),
    leaving: bool = False,
    restarts: str = "Always",
) -> dict[str, Any]:
    metadata = {
        "name": name,
        "uid": f"uid-{name}",
        "creationTimestamp": created,
        "ownerReferences": [{"controller": True, "uid": owner_uid, "name": owner}],
    }
    if leaving:
        metadata["deletionTimestamp"] = "2026-11-21T07:00:30Z"
    return {
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"restartPolicy": restarts, "containers": [{"name": "stage", "image": "python:3.11"}]},
        "status": {
            "phase": phase,
            "conditions": list(conditions),
            "initContainerStatuses": list(init),
            "containerStatuses": list(main),
        },
    }


def running(name: str = "stage", *, ready: bool = False, restarts: int = 0) -> dict[str, Any]:
    return {"name": name, "image": "python:3.11", "restartCount": restarts, "ready": ready, "state": {"running": {}}}


def ended(name: str = "stage", *, code: int = 1, restarts: int = 0, message: str = "", reason: str = "Error") -> dict[str, Any]:
    state = {"terminated": {"exitCode": code, "reason": reason, "message": message}}
    return {"name": name, "image": "python:3.11", "restartCount": restarts, "ready": False, "state": state}


def waits(name: str = "stage", *, reason: str, message: str = "", image: str = "python:3.11") -> dict[str, Any]:
    return {"name": name, "image": image, "restartCount": 0, "ready": False, "state": {"waiting": {"reason": reason, "message": message}}}


def true(kind: str, reason: str = "", message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": "True", "reason": reason, "message": message}


def a_job(*, conditions: tuple[dict[str, Any], ...] = (), failed: int = 0, **spec: Any) -> dict[str, Any]:
    return {
        "kind": "Job",
        "metadata": {"name": "train", "uid": "job-1"},
        "spec": {"backoffLimit": 2, "completions": 1, **spec},
        "status": {"failed": failed, "conditions": list(conditions)},
    }


def a_deployment(
    *, replicas: int = 1, updated: int = 1, present: int = 1, available: int = 1, conditions: tuple[dict[str, Any], ...] = (), **spec: Any
) -> dict[str, Any]:
    progressing = true("Progressing", "ReplicaSetUpdated", 'ReplicaSet "serve-new" is progressing.')
    return {
        "kind": "Deployment",
        "metadata": {"name": "serve", "uid": "deployment-1", "generation": 2, "annotations": {}},
        "spec": {"replicas": replicas, "progressDeadlineSeconds": 960, **spec},
        "status": {
            "observedGeneration": 2,
            "replicas": present,
            "updatedReplicas": updated,
            "availableReplicas": available,
            "conditions": [progressing, *conditions],
        },
    }


def a_new_pod(name: str = "serve-new-1", **more: Any) -> dict[str, Any]:
    return a_pod(name, owner_uid="replica-set-2", owner="serve-new", **more)


def an_old_pod(name: str = "serve-old-1", **more: Any) -> dict[str, Any]:
    return a_pod(name, owner_uid="replica-set-1", owner="serve-old", **more)


def an_event(reason: str, message: str, *, about: str = "job-1", at: str = "2026-11-21T07:00:05Z") -> dict[str, Any]:
    return {"kind": "Event", "reason": reason, "message": message, "lastTimestamp": at, "involvedObject": {"uid": about}}
