"""What the API server would say of a workload and its pods, from what was seen of processes: so that the verdicts are the cluster's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bodywork_compiler.local.values import Workload

Object = dict[str, Any]
_CLUSTER = "local"


@dataclass(slots=True, kw_only=True)
class ContainerSeen:
    """`code` and `message` are of its last end."""

    name: str
    running: bool = False
    starts: int = 0
    code: int | None = None
    message: str = ""

    def status(self, *, is_ready: bool) -> Object:
        ended = {} if self.code is None else {"terminated": {"exitCode": self.code, "message": self.message}}
        state: Object = {"running": {}} if self.running else ended or {"waiting": {"reason": "PodInitializing"}}
        return {
            "name": self.name,
            "state": state,
            "lastState": ended if self.running else {},
            "restartCount": max(self.starts - 1, 0),
            "ready": is_ready,
        }


@dataclass(slots=True, kw_only=True)
class PodSeen:
    """`answers`: a service's port was reached. `over`: nothing of it runs any more."""

    name: str
    workload: Workload
    number: int
    containers: Mapping[str, ContainerSeen]
    answers: bool = False
    over: bool = False

    @property
    def main(self) -> ContainerSeen:
        return self.containers[self.workload.main.name]

    @property
    def has_succeeded(self) -> bool:
        return self.over and self.main.code == 0 and not self.main.running

    def object(self) -> Object:
        init = [self.containers[each.name] for each in self.workload.init]
        ready = self.answers and self.main.running
        return {
            "metadata": {
                "name": self.name,
                "uid": self.name,
                "creationTimestamp": f"{self.number:06}",
                "labels": {"pod-template-hash": _CLUSTER},
                "ownerReferences": [{"controller": True, "uid": self.workload.name, "name": _owner(self.workload)}],
            },
            "spec": ((self.workload.body.get("spec") or {}).get("template") or {}).get("spec") or {},
            "status": {
                "phase": self._phase(),
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "initContainerStatuses": [each.status(is_ready=each.code == 0) for each in init],
                "containerStatuses": [self.main.status(is_ready=ready)],
            },
        }

    def _phase(self) -> str:
        if not self.over:
            return "Running"
        return "Succeeded" if self.has_succeeded else "Failed"


@dataclass(slots=True, kw_only=True)
class WorkloadSeen:
    """`condition` is what a Job's controller would have set at its end: its type and reason."""

    workload: Workload
    pods: list[PodSeen] = field(default_factory=list)
    condition: tuple[str, str] | None = None

    def object(self) -> Object:
        body = dict(self.workload.body)
        body["metadata"] = {**(body.get("metadata") or {}), "uid": self.workload.name}
        if not self.workload.is_service:
            body["status"] = {"conditions": [_condition(*self.condition)] if self.condition else []}
            return body
        # one process, whatever the manifest says
        body["spec"] = {**(body.get("spec") or {}), "replicas": 1}
        ready = sum(pod.answers and pod.main.running for pod in self.pods)
        body["status"] = {
            "replicas": 1,
            "updatedReplicas": 1,
            "availableReplicas": ready,
            "conditions": [{"type": "Progressing", "status": "True", "message": f'ReplicaSet "{_owner(self.workload)}" is progressing.'}],
        }
        return body

    def pod_objects(self) -> Sequence[Object]:
        return [pod.object() for pod in self.pods]


def _condition(kind: str, reason: str) -> Object:
    return {"type": kind, "status": "True", "reason": reason}


def _owner(workload: Workload) -> str:
    return f"{workload.name}-{_CLUSTER}" if workload.is_service else workload.name
