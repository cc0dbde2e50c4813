"""A stage of the run: its pods so far, what the API server would say of them, and so the verdict on it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.local import addresses
from bodywork_compiler.local.pod import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, Ended, Line, Message, Over, Pod, Started
from bodywork_compiler.local.workloads import Workload
from bodywork_compiler.runner.events import ContainerTail, Event, LogEnded, LogLine, Result, StageEnded, StageProgress
from bodywork_compiler.runner.logs import TAIL_LINES
from bodywork_compiler.runner.verdict import Situation, Verdict, judge

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


REMIND_SECONDS = 30.0
PROBE_PAUSE_SECONDS = 0.1
Tell = Callable[[Event], None]


@dataclass(slots=True, kw_only=True)
class Stage:
    """`port` is where a service is looked for. A pod is made by `make_pod`, of its number from 1."""

    workload: Workload
    make_pod: Callable[[Workload, int], Pod]
    tell: Tell
    port: int | None = None
    clock: Callable[[], float] = time.monotonic
    seen: WorkloadSeen = field(init=False)
    pods: list[Pod] = field(default_factory=list)
    verdict: Verdict = field(default_factory=lambda: Verdict(state="running"))
    ended: StageEnded | None = None
    began: float = 0.0
    own_code_since: float | None = None
    _next_at: float | None = None
    _probe_at: float = 0.0
    _only_locally: bool = False
    _tails: dict[tuple[str, str], deque[str]] = field(default_factory=dict)
    _said: str = ""
    _said_at: float = 0.0

    def __post_init__(self) -> None:
        self.seen = WorkloadSeen(workload=self.workload)

    @property
    def is_over(self) -> bool:
        """Nothing of it runs."""
        return all(pod.over for pod in self.seen.pods)

    def begin(self) -> None:
        self.began = self.clock()
        self._start_pod()

    def stop(self, *, at_once: bool = False) -> None:
        self._next_at = None
        for pod in self.pods:
            pod.stop(at_once=at_once)

    def take(self, message: Message) -> None:
        pod = next(each for each in self.seen.pods if each.name == message.pod)
        match message:
            case Started(_, container):
                self._container_started(pod.containers[container])
            case Line(_, container, text):
                self._line(pod, container, text)
            case Ended(_, container, code, said):
                seen = pod.containers[container]
                seen.running, seen.code, seen.message = False, code, said
                pod.answers = False
            case Over(_, bug):
                if bug is not None:
                    raise bug
                pod.over = True
                self.tell(LogEnded(stage=self.workload.stage, pod=pod.name))

    def look(self) -> None:
        """Probe, judge, and begin the next attempt when it is time."""
        now = self.clock()
        self._probe(now)
        if not self.workload.is_service:
            self._control(now)
        situation = Situation(
            seconds=now - self.began,
            stage_seconds={pod.name: now - self.own_code_since for pod in self.seen.pods if self.own_code_since is not None},
        )
        self.verdict = self._with_reason(judge(self.seen.object(), self.seen.pod_objects(), (), situation))
        if self.verdict.state == "running":
            self._progress(now)

    def end(self, result: Result, reason: str | None = None) -> None:
        self.ended = StageEnded(
            step=self.workload.step,
            stage=self.workload.stage,
            kind=self.workload.kind,
            name=self.workload.name,
            result=result,
            seconds=self.clock() - self.began,
            attempts=self.verdict.attempts,
            address=f"http://localhost:{self.port}" if result == "available" and self.port else None,
            reason=reason,
        )
        self.tell(self.ended)

    def tails(self) -> Iterator[ContainerTail]:
        """Each container that failed, of each attempt."""
        for pod in self.seen.pods:
            for container in pod.containers.values():
                is_main_of_service = self.workload.is_service and container.name == self.workload.main.name
                if container.starts and (container.code != 0 or is_main_of_service):
                    yield ContainerTail(
                        pod=pod.name,
                        container=container.name,
                        attempt=self._attempt(pod, container),
                        exit_code=container.code,
                        lines=tuple(self._tails.get((pod.name, container.name), ())),
                    )

    def _start_pod(self) -> None:
        number = len(self.pods) + 1
        pod = self.make_pod(self.workload, number)
        containers = {each.name: ContainerSeen(name=each.name) for each in (*self.workload.init, self.workload.main)}
        if labels.INSTALL not in containers:
            containers[labels.INSTALL] = ContainerSeen(name=labels.INSTALL)
        self.pods.append(pod)
        self.seen.pods.append(PodSeen(name=pod.name, workload=self.workload, number=number, containers=containers))
        pod.start()

    def _control(self, now: float) -> None:
        """What a Job's controller does: another pod for one that failed, until there have been enough."""
        last = self.seen.pods[-1]
        deadline = self.workload.deadline_seconds
        if deadline is not None and now - self.began >= deadline and not last.has_succeeded:
            self.seen.condition = ("Failed", "DeadlineExceeded")
            self.stop()
        elif last.over and self.seen.condition is None:
            self._after_pod(last, now)

    def _after_pod(self, last: PodSeen, now: float) -> None:
        if last.has_succeeded:
            self.seen.condition = ("Complete", "")
        elif len(self.pods) > self.workload.retries:
            self.seen.condition = ("Failed", "BackoffLimitExceeded")
        elif self._next_at is None:
            self._next_at = now + min(FIRST_PAUSE_SECONDS * 2 ** (len(self.pods) - 1), LONGEST_PAUSE_SECONDS)
        elif now >= self._next_at:
            self._next_at = None
            self._start_pod()

    def _probe(self, now: float) -> None:
        pod = self.seen.pods[-1]
        if self.port is None or pod.answers or not pod.main.running or now < self._probe_at:
            return
        pod.answers = addresses.listens(self.port)
        self._only_locally = not pod.answers and addresses.listens_only_locally(self.port)
        self._probe_at = now + PROBE_PAUSE_SECONDS

    def _with_reason(self, verdict: Verdict) -> Verdict:
        if self._only_locally and verdict.state in ("running", "timed out"):
            why = f"it listens at localhost only, where nobody would reach it in a cluster; 0.0.0.0 is all addresses: {verdict.message}"
            return Verdict(state=verdict.state, message=why, attempts=verdict.attempts)
        return verdict

    def _container_started(self, container: ContainerSeen) -> None:
        container.running, container.starts = True, container.starts + 1
        if container.name == self.workload.main.name and self.own_code_since is None:
            self.own_code_since = self.clock()

    def _line(self, pod: PodSeen, container: str, text: str) -> None:
        self._tails.setdefault((pod.name, container), deque(maxlen=TAIL_LINES)).append(text)
        attempt = self._attempt(pod, pod.containers[container])
        self.tell(LogLine(stage=self.workload.stage, pod=pod.name, container=container, attempt=attempt, line=text))

    def _attempt(self, pod: PodSeen, container: ContainerSeen) -> int:
        return max(container.starts, 1) if self.workload.is_service else pod.number

    def _progress(self, now: float) -> None:
        """What it waits for: when that changes, and every 30 s."""
        message = self.verdict.message
        if message and (message != self._said or now - self._said_at >= REMIND_SECONDS):
            self._said, self._said_at = message, now
            step, stage = self.workload.step, self.workload.stage
            self.tell(StageProgress(step=step, stage=stage, message=message, seconds=now - self.began))
