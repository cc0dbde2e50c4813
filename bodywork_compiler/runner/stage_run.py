"""A stage while the run waits for it: what was seen of it by our own clock, and the verdict on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.runner.events import Result, StageEnded, StagePlan, StageProgress
from bodywork_compiler.runner.session import REMIND_SECONDS, Session
from bodywork_compiler.runner.verdict import Object as Seen
from bodywork_compiler.runner.verdict import Situation, Verdict, container_ends, judge, started_pods, unplaced, vanished
from bodywork_compiler.runner.verdicts.deployment import newest_pods
from bodywork_compiler.runner.verdicts.pods import activity, made_by, phase
from bodywork_compiler.runner.verdicts.values import condition
from bodywork_compiler.runner.watching import generation, uid

NET_MARGIN_SECONDS = 120.0  # beyond the object's own limits: then the cluster's controllers do not do their work
PROGRESS_DEADLINE_SECONDS = 600
UNSEEN_SECONDS = 60.0  # an object that was applied is seen at once, if at all
WAITED_FOR = ("Job", "Deployment")


@dataclass(slots=True, kw_only=True)
class StageRun:
    """One workload of the step. `generation` is the least that counts: what is older was seen before our change."""

    plan: StagePlan
    manifest: KubeObject
    address: str | None
    began: float
    generation: int = 0
    ends_before: dict[tuple[str, str], int] = field(default_factory=dict)
    former_pods: frozenset[str] = frozenset()
    started: dict[str, float] = field(default_factory=dict)
    unplaced: dict[str, float] = field(default_factory=dict)  # what waits for a node or an image, by uid, and since when
    object: Object | None = None
    pods: Sequence[Seen] = ()
    pods_seen: dict[str, Seen] = field(default_factory=dict)  # by uid, as they were last: also those that are gone
    looks_since: float | None = None
    verdict: Verdict = field(default_factory=lambda: Verdict(state="running"))
    ends_when_good: Mapping[tuple[str, str], int] = field(default_factory=dict)  # and how often its containers had ended then
    good_at: float = 0.0
    result: Result | None = None
    said: str = ""
    said_at: float = 0.0

    @property
    def stage(self) -> str:
        return self.plan.stage

    @property
    def has_failed(self) -> bool:
        """A Job that has said so itself. It stays, to be looked at; one that only cannot succeed would run on."""
        return self.plan.kind == "Job" and condition(self.object or {}, "Failed") is not None

    def remember_pods(self, pods: Sequence[Seen]) -> None:
        """The pods from before the step: how often they had ended is no fault of this run's."""
        self.ends_before = container_ends(pods)
        self.former_pods = frozenset(uid(pod) for pod in pods)

    def look(self, session: Session, pods: Sequence[Seen]) -> None:
        """Take in the picture, follow the logs of what has started, and judge."""
        found = session.picture.get(self.plan.kind, self.plan.name)
        if found is None or self._is_another(found):
            self._miss(session.clock())
            return
        self.object = found
        self.pods = self._mine(self.object, pods)
        self.pods_seen |= {uid(pod): pod for pod in self.pods}
        self._follow(session)
        now = session.clock()
        for pod_uid in started_pods(self.pods):
            self.started.setdefault(pod_uid, now)
        if generation(self.object) >= self.generation:
            self.verdict = self._judge(session, now)

    def progress(self, session: Session) -> None:
        """Say what it waits for: when that changes, and every 30 s."""
        now = session.clock()
        message = self.verdict.message
        if message and (message != self.said or now - self.said_at >= REMIND_SECONDS):
            self.said, self.said_at = message, now
            session.tell(StageProgress(step=self.plan.step, stage=self.stage, message=message, seconds=now - self.began))

    def end(self, session: Session, result: Result, reason: str | None = None) -> None:
        self.result = result
        session.logs.no_more_of(self.stage)
        ended = StageEnded(
            step=self.plan.step,
            stage=self.stage,
            kind=self.plan.kind,
            name=self.plan.name,
            result=result,
            seconds=session.clock() - self.began,
            attempts=self.verdict.attempts,
            address=self.address if result == "available" else None,
            reason=reason,
        )
        session.ended[self.plan.step, self.plan.name] = ended
        session.tell(ended)

    def became_available(self, session: Session) -> None:
        """From here on each end of a container is a crash (`look_back`)."""
        self.ends_when_good, self.good_at = container_ends(self.pods), session.clock()
        session.logs.mute(self.stage)
        session.services.append(self)
        self.end(session, "available")

    def _is_another(self, found: Object) -> bool:
        """Somebody has deleted our Job, and made one of the same name."""
        return self.plan.kind == "Job" and self.object is not None and uid(found) != uid(self.object)

    def _miss(self, now: float) -> None:
        """What was seen and is no more was deleted; one that was never seen has yet to come, for a while."""
        self.looks_since = now if self.looks_since is None else self.looks_since
        if self.object is not None:
            self.verdict = vanished(self.plan.kind, self.plan.name)
        elif now - self.looks_since >= UNSEEN_SECONDS:
            what = f"{self.plan.kind} {self.plan.name} was applied, and not seen for {UNSEEN_SECONDS:g} s"
            self.verdict = Verdict(state="failed", message=f"{what}: does it still carry the label {labels.PIPELINE}?")

    def _mine(self, obj: Object, pods: Sequence[Seen]) -> Sequence[Seen]:
        if self.plan.kind == "Job":
            return made_by(pods, uid(obj))
        return newest_pods(obj, pods)

    def _follow(self, session: Session) -> None:
        is_job = self.plan.kind == "Job"
        for number, pod in enumerate(self.pods, start=1):
            if uid(pod) not in self.former_pods:
                session.logs.follow(self.stage, pod, number if is_job else None)

    def _judge(self, session: Session, now: float) -> Verdict:
        obj: Any = self.object
        events = session.picture.events_about(about(obj, self.pods))
        self.unplaced = {each: self.unplaced.get(each, now) for each in unplaced(obj, self.pods, events)}
        situation = Situation(
            seconds=now - self.began,
            stage_seconds={pod_uid: now - at for pod_uid, at in self.started.items()},
            ends_before=self.ends_before,
            placing_seconds=now - min(self.unplaced.values(), default=now),
            placing_limit=session.options.schedule_timeout_seconds,
        )
        verdict = judge(obj, self.pods, events, situation)
        if verdict.state == "timed out" and self.has_failed and (waited_for := self._waited_for()):
            return replace(verdict, message=f"{verdict.message}; {waited_for}")
        limit = net_seconds(self.plan.kind, obj.get("spec") or {})
        if verdict.state == "running" and limit and situation.seconds > limit:
            return Verdict(
                state="timed out", message=f"no end after {limit:g} s, beyond all its limits; {verdict.message}", attempts=verdict.attempts
            )
        return verdict

    def _waited_for(self) -> str:
        """What kept its last pod from starting, as it was last seen: a Job that is out of time has deleted it."""
        last = next(reversed(self.pods_seen.values()), None)
        return activity(last, ()) if last and phase(last) == "Pending" else ""


def net_seconds(kind: str, spec: Mapping[str, Any]) -> float | None:
    """A Job without a deadline has no limit by its owner's wish. A Deployment's deadline counts anew with each pod that gets ready."""
    if kind == "Job":
        deadline = spec.get("activeDeadlineSeconds")
        return float(deadline) + NET_MARGIN_SECONDS if deadline else None
    deadline = float(spec.get("progressDeadlineSeconds") or PROGRESS_DEADLINE_SECONDS)
    return deadline * (int(spec.get("replicas") or 1) + 1) + NET_MARGIN_SECONDS


def about(obj: Seen, pods: Sequence[Seen]) -> list[str]:
    """The uids whose events tell of a stage: its object, its pods, and what made them."""
    owners = [str(owner["uid"]) for pod in pods for owner in (pod["metadata"].get("ownerReferences") or ())]
    return list(dict.fromkeys([uid(obj), *owners, *(uid(pod) for pod in pods)]))
