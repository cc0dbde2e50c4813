"""Objects of a step that are no stage and not still, a certificate for example: waited for by their conditions, where they have them.

A Job or a Deployment in the set-up, a database that an overlay has added, is one of them: it is no stage, and what comes needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bodywork_compiler import labels
from bodywork_compiler.api import Api, NotThere, Object, Refused
from bodywork_compiler.errors import RunFailed, TimedOut
from bodywork_compiler.manifests import KubeObject, PlanStep
from bodywork_compiler.runner.session import REMIND_SECONDS, Session
from bodywork_compiler.runner.stage_run import WAITED_FOR, net_seconds
from bodywork_compiler.runner.verdict import STILL_KINDS, Situation, Verdict, judge
from bodywork_compiler.runner.verdicts.others import NOT_WATCHED

PATIENCE_SECONDS = 600.0  # they have no limit of their own
FIRST_WORD_SECONDS = 5.0  # so long their controller may take to give them a first condition
ASK_AGAIN_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class _Said:
    message: str = ""
    at: float = 0.0


def wait_for(session: Session, step: PlanStep, since: float) -> Verdict:
    """Once the stages of the step are good. `since` is when the objects were applied; the first that is bad ends it."""
    stages = () if step.number == labels.STEP_SETUP else WAITED_FOR
    for each in step.objects:
        if each.kind not in {*stages, *STILL_KINDS}:
            verdict = _wait_for(session, step.number, each, since)
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


def _wait_for(session: Session, step: int, each: KubeObject, since: float) -> Verdict:
    said = _Said()
    while not session.interrupted.is_set():
        seconds = session.clock() - since
        verdict = _look(session, each, seconds)
        if verdict.message == NOT_WATCHED and (seconds >= FIRST_WORD_SECONDS or not _is_custom(each)):
            session.notice(f"step {step}: {each.kind} {each.name} is applied, and not waited for: it has no condition", where="run.step")
            return verdict
        if verdict.state != "running" and verdict.message != NOT_WATCHED:
            return _named(each, verdict.state, verdict.message)
        limit = _patience(each)
        if limit is not None and seconds >= limit:
            return _named(each, "timed out", f"took longer than {limit:g} s; {verdict.message}")
        if session.out_of_time:
            return Verdict(state="timed out", message=session.took_too_long(f"{each.kind} {each.name}: {verdict.message}"))
        _say(session, step, each, verdict, said)
        session.pump(ASK_AGAIN_SECONDS)
    return Verdict(state="good")


def _patience(each: KubeObject) -> float | None:
    spec = each.body.get("spec") or {}
    return net_seconds(each.kind, spec) if each.kind in WAITED_FOR and not spec.get("suspend") else PATIENCE_SECONDS


def _look(session: Session, each: KubeObject, seconds: float) -> Verdict:
    """What may not be read, or is of a kind that nobody lists, is not waited for."""
    api = session.api.elsewhere(each.namespace) if each.namespace and each.namespace != session.namespace else session.api
    try:
        found = session.ask(lambda: api.find_any(str(each.body.get("apiVersion")), each.kind, each.name))
        pods = session.ask(lambda: _pods_of(api, found)) if found and each.kind in WAITED_FOR else []
    except (Refused, NotThere):
        return Verdict(state="good", message=NOT_WATCHED)
    if found is None:
        return Verdict(state="failed", message="it is gone: it was deleted while the run waited for it")
    return judge(found, pods, [], Situation(seconds=seconds))


def _pods_of(api: Api, workload: Object) -> Sequence[Object]:
    wanted = ((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return api.list("Pod", {"labelSelector": ",".join(f"{key}={text}" for key, text in wanted.items())})[0]


def _is_custom(each: KubeObject) -> bool:
    """Kubernetes' own kinds have their conditions, if any, as soon as they are there."""
    group = str(each.body.get("apiVersion")).rpartition("/")[0]
    return "." in group and not group.endswith(".k8s.io")


def _named(each: KubeObject, state: str, message: str) -> Verdict:
    if state == "good":
        return Verdict(state="good")
    return Verdict(state="timed out" if state == "timed out" else "failed", message=f"{each.kind} {each.name}: {message}")


def _say(session: Session, step: int, each: KubeObject, verdict: Verdict, said: _Said) -> None:
    now = session.clock()
    if verdict.state == "running" and (verdict.message != said.message or now - said.at >= REMIND_SECONDS):
        said.message, said.at = verdict.message, now
        session.notice(f"step {step}: {each.kind} {each.name}: {verdict.message}", where="run.step")
