"""Objects of a step that are no stage and not still, a certificate for example: waited for by their conditions, where they have them.

A Job, a Deployment or a StatefulSet in the set-up, a database that an overlay has added, is one of them: it is no stage, and what comes needs it. What
has pods and fails shows their last lines as evidence, as stages do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bodywork_compiler import labels
from bodywork_compiler.api import Api, NotThere, Object, Refused
from bodywork_compiler.errors import RunFailed, TimedOut
from bodywork_compiler.manifests import KubeObject, PlanStep
from bodywork_compiler.runner import applying, evidence
from bodywork_compiler.runner.rehearsal import kinds_to_come
from bodywork_compiler.runner.session import REMIND_SECONDS, Session
from bodywork_compiler.runner.stage_run import WAITED_FOR, about, net_seconds
from bodywork_compiler.runner.verdict import STILL_KINDS, Situation, Verdict, container_ends, judge, unplaced
from bodywork_compiler.runner.verdicts.values import NOT_WATCHED

PATIENCE_SECONDS = 600.0  # they have no limit of their own
FIRST_WORD_SECONDS = 5.0  # so long their controller may take to give them a first condition
ASK_AGAIN_SECONDS = 1.0
DISCOVERY_SECONDS = 30.0  # until the API server serves what a definition that is established has defined
DEFINITION = "CustomResourceDefinition"
_WITH_PODS = {*WAITED_FOR, "StatefulSet", "DaemonSet"}


@dataclass(slots=True, kw_only=True)
class _Watched:
    """One object while it is waited for: as it was seen last, and what of it was said."""

    step: int
    manifest: KubeObject
    since: float
    object: Object | None = None
    pods: Sequence[Object] = ()
    ends_before: dict[tuple[str, str], int] | None = None
    unplaced: dict[str, float] = field(default_factory=dict)
    said: str = ""
    said_at: float = 0.0

    @property
    def words(self) -> str:
        return f"{self.manifest.kind} {self.manifest.name}"


def apply(session: Session, step: int, objects: Sequence[KubeObject]) -> None:
    """Definitions of kinds first: what they define is known to the API server before an object of it is sent."""
    definitions = [each for each in objects if each.kind == DEFINITION]
    if definitions:
        began = session.clock()
        applying.apply(session, step, definitions)
        must_be_good(session, PlanStep(number=step, objects=tuple(definitions)), began)
        _wait_until_served(session, definitions)
    applying.apply(session, step, [each for each in objects if each.kind != DEFINITION])


def _wait_until_served(session: Session, definitions: Sequence[KubeObject]) -> None:
    """What comes next says it, should it never be."""
    give_up_at = session.clock() + DISCOVERY_SECONDS
    for api_version, kind in sorted(kinds_to_come(definitions)):
        while not session.interrupted.is_set() and session.clock() < give_up_at and not _is_served(session, api_version, kind):
            session.pump(0.2)


def _is_served(session: Session, api_version: str, kind: str) -> bool:
    try:
        session.ask(lambda: session.api.resource_of(api_version, kind))
    except NotThere:
        return False
    except Refused:
        return True
    return True


def wait_for(session: Session, step: PlanStep, since: float) -> Verdict:
    """Once the stages of the step are good. `since` is when the objects were applied; the first that is bad ends it."""
    stages = () if step.number == labels.STEP_SETUP else WAITED_FOR
    for each in step.objects:
        if each.kind not in {*stages, *STILL_KINDS}:
            verdict = _wait_for(session, _Watched(step=step.number, manifest=each, since=since))
            if verdict.state != "good":
                return verdict
    return Verdict(state="good")


def must_be_good(session: Session, step: PlanStep, since: float) -> None:
    """Of the set-up: no step begins before."""
    verdict = wait_for(session, step, since)
    if verdict.state == "timed out":
        raise TimedOut(verdict.message)
    if verdict.state == "failed":
        raise RunFailed(verdict.message)


def _wait_for(session: Session, watched: _Watched) -> Verdict:
    while not session.interrupted.is_set():
        seconds = session.clock() - watched.since
        verdict = _look(session, watched, seconds)
        if verdict.message == NOT_WATCHED and (seconds >= FIRST_WORD_SECONDS or not _is_custom(watched.manifest)):
            session.notice(f"step {watched.step}: {watched.words} is applied, and not waited for: it has no condition", where="run.step")
            return verdict
        if verdict.state != "running" and verdict.message != NOT_WATCHED:
            return _ended(session, watched, verdict.state, verdict.message)
        limit = _patience(watched.manifest)
        if limit is not None and seconds >= limit:
            return _ended(session, watched, "timed out", f"took longer than {limit:g} s; {verdict.message}")
        if session.out_of_time:
            return Verdict(state="timed out", message=session.took_too_long(f"{watched.words}: {verdict.message}"))
        _say(session, watched, verdict)
        session.pump(ASK_AGAIN_SECONDS)
    return Verdict(state="good")


def _patience(each: KubeObject) -> float | None:
    """A StatefulSet starts its pods one after the other."""
    spec = each.body.get("spec") or {}
    if each.kind in WAITED_FOR:
        return None if spec.get("suspend") else net_seconds(each.kind, spec)
    return PATIENCE_SECONDS * max(int(spec.get("replicas") or 1), 1) if each.kind == "StatefulSet" else PATIENCE_SECONDS


def _look(session: Session, watched: _Watched, seconds: float) -> Verdict:
    """What may not be read, or is of a kind that nobody lists, is not waited for."""
    each = watched.manifest
    api = session.api.elsewhere(each.namespace) if each.namespace and each.namespace != session.namespace else session.api
    try:
        found = session.ask(lambda: api.find_any(str(each.body.get("apiVersion")), each.kind, each.name))
        pods = session.ask(lambda: _pods_of(api, found)) if found and each.kind in _WITH_PODS else []
    except (Refused, NotThere):
        return Verdict(state="good", message=NOT_WATCHED)
    if found is None:
        return Verdict(state="failed", message="it is gone: it was deleted while the run waited for it")
    watched.object, watched.pods = found, pods
    if watched.ends_before is None:
        watched.ends_before = container_ends(pods) if each.kind != "Job" else {}
    events = session.picture.events_about(about(found, pods))
    now = session.clock()
    watched.unplaced = {uid: watched.unplaced.get(uid, now) for uid in unplaced(found, pods, events)}
    situation = Situation(
        seconds=seconds,
        ends_before=watched.ends_before,
        placing_seconds=now - min(watched.unplaced.values(), default=now),
        placing_limit=session.options.schedule_timeout_seconds,
    )
    return judge(found, pods, events, situation)


def _pods_of(api: Api, workload: Object) -> Sequence[Object]:
    wanted = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return api.list("Pod", {"labelSelector": ",".join(f"{key}={text}" for key, text in wanted.items())})[0]


def _is_custom(each: KubeObject) -> bool:
    """Kubernetes' own kinds have their conditions, if any, as soon as they are there."""
    group = str(each.body.get("apiVersion")).rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def _ended(session: Session, watched: _Watched, state: str, message: str) -> Verdict:
    if state == "good":
        return Verdict(state="good")
    if watched.object and watched.pods:
        extra = evidence.Extra(step=watched.step, name=watched.manifest.name, object=watched.object, pods=watched.pods)
        evidence.gather_of_extra(session, extra, message)
    return Verdict(state="timed out" if state == "timed out" else "failed", message=f"{watched.words}: {message}")


def _say(session: Session, watched: _Watched, verdict: Verdict) -> None:
    now = session.clock()
    if verdict.state == "running" and (verdict.message != watched.said or now - watched.said_at >= REMIND_SECONDS):
        watched.said, watched.said_at = verdict.message, now
        session.notice(f"step {watched.step}: {watched.words}: {verdict.message}", where="run.step")
