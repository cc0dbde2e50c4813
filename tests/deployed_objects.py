"""Objects as a cluster would give them, of a pipeline `iris` in the namespace `lab`: as much of them as status, logs and delete look at."""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
COMMIT = "3f2a9c1" + "0" * 33
BEGAN, ENDED = "2026-11-21T10:00:00Z", "2026-11-21T10:00:41Z"


# the step of what a render makes, where a test says nothing else
PLACES = {"ConfigMap": "0", "ServiceAccount": "0", "Service": "2", "Ingress": "2"}
VERSIONS = {"Ingress": "networking.k8s.io/v1", "Deployment": "apps/v1", "Job": "batch/v1"}


def an_object(kind: str, name: str, *, pipeline: str | None = "iris", stage: str | None = None, **rest: Any) -> Object:
    labels = {"bodywork/pipeline": pipeline, "bodywork/stage": stage}
    metadata = {
        "name": name,
        "namespace": "lab",
        "uid": f"{kind}-{name}",
        "creationTimestamp": BEGAN,
        "generation": 1,
        "labels": {key: value for key, value in labels.items() if value},
        "annotations": {"bodywork/git-commit": COMMIT},
    }
    if pipeline and kind in PLACES:
        metadata["labels"]["bodywork/step"] = PLACES[kind]
    return {"apiVersion": VERSIONS.get(kind, "v1"), "kind": kind, "metadata": metadata, **rest}


def in_step(obj: Object, step: int) -> Object:
    obj["metadata"]["labels"]["bodywork/step"] = str(step)
    return obj


def a_job(
    stage: str = "train", step: int = 1, *, began: str = BEGAN, ended: str | None = ENDED, failed: bool = False, **who: Any
) -> Object:
    status: Object = {"startTime": began}
    if failed:
        status["conditions"] = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "lastTransitionTime": ended}]
    elif ended:
        status |= {"completionTime": ended, "succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    return in_step(an_object("Job", stage, stage=stage, spec={"completions": 1}, status=status, **who), step)


def a_failure_stage(stage: str = "mend") -> Object:
    job = an_object("Job", stage, stage=stage, spec={"suspend": True}, status={})
    job["metadata"]["labels"]["bodywork/role"] = "on-failure"
    return job


def a_deployment(stage: str = "serve", step: int = 2, *, ready: int = 2, wanted: int = 2, **who: Any) -> Object:
    counts = {"replicas": wanted, "updatedReplicas": wanted, "availableReplicas": ready, "readyReplicas": ready, "observedGeneration": 1}
    return in_step(an_object("Deployment", stage, stage=stage, spec={"replicas": wanted}, status=counts, **who), step)


def a_service(stage: str = "serve", **who: Any) -> Object:
    return an_object("Service", stage, stage=stage, spec={"ports": [{"port": 5000}]}, **who)


def an_ingress(stage: str = "serve") -> Object:
    paths = [{"path": f"/lab/{stage}"}]
    return an_object("Ingress", stage, stage=stage, spec={"rules": [{"http": {"paths": paths}}]})


def a_config_map(name: str = "bodywork-iris", **who: Any) -> Object:
    data = {"dag": "train >> serve", "git-url": "https://git.example.com/acme/iris.git", "git-branch": "main", "git-commit": COMMIT}
    return an_object("ConfigMap", name, data=data, **who)


def a_pod(name: str, of: str, /, *, began: str = BEGAN, log: dict[str, str] | None = None, **statuses: Any) -> Object:
    """`statuses`: of its init containers and containers, `install={"state": …}`; container `stage` is the main one."""
    entries = {each: {"name": each, "restartCount": 0, **status} for each, status in statuses.items()}
    status = {
        "phase": "Running",
        "initContainerStatuses": [entries[each] for each in ("fetch", "install") if each in entries],
        "containerStatuses": [entries[each] for each in entries if each not in {"fetch", "install"}],
    }
    pod = an_object("Pod", name, stage=of, status=status, log=log or {})
    pod["metadata"] |= {"creationTimestamp": began, "ownerReferences": [{"controller": True, "uid": "ReplicaSet-1"}]}
    return pod


def a_namespace(*, made_by_us: bool = False) -> Object:
    annotations = {"bodywork/created-by": "bodywork-1"} if made_by_us else {}
    return {"kind": "Namespace", "metadata": {"name": "lab", "uid": "ns", "annotations": annotations}}


RUNNING = {"state": {"running": {}}}
DONE = {"state": {"terminated": {"exitCode": 0}}}
FAILED = {"state": {"terminated": {"exitCode": 1}}}
WAITING = {"state": {"waiting": {"reason": "PodInitializing"}}}
IRIS = (a_config_map(), an_object("ServiceAccount", "bodywork-iris"), a_job(), a_deployment(), a_service(), an_ingress())
DECOYS = (
    a_namespace(),
    a_config_map("bodywork-other", pipeline="other"),
    a_job("train-2", pipeline="other"),
    a_deployment("serve-2", pipeline="other"),
    an_object("ConfigMap", "bodywork-iris-like", pipeline=None),
    an_object("Deployment", "somebody-else", pipeline=None),
)
