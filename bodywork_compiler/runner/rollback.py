"""A service goes back to what stood before the step: `rollout undo`, then its objects from before. A first deployment is removed.

Undo alone leaves labels and fields outside the pod template; apply alone does nothing where the restart of an unchanged service failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError, ServerLost
from bodywork_compiler.kubectl import failure_of
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner.applying import check, tell_changes
from bodywork_compiler.runner.before import Before, find, live, template_of
from bodywork_compiler.runner.events import RolledBack, StagePlan
from bodywork_compiler.runner.observe import annotation
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home

PROGRESS_DEADLINE_SECONDS = 600  # Kubernetes' own default
MARGIN_SECONDS = 30


def take_back(session: Session, stage: StagePlan, before: Sequence[Before]) -> RolledBack:
    """Put a stage's Deployment, Service and Ingress back, and tell how that went; a failure of it is told, not raised.

    Each part is tried, whatever became of the others. Waiting comes last, when users are led to the old version again.
    """
    mine = [each for each in before if each.stage == stage.stage]
    session.taken_back.add((stage.step, stage.name))
    began = session.clock()
    problems = list(_problems(session, stage, mine))
    told = RolledBack(
        stage=stage.stage,
        name=stage.name,
        revision=_revision(stage, mine),
        git_commit=_commit(stage, mine),
        seconds=session.clock() - began,
        complete=not problems,
        message="; ".join(dict.fromkeys(problems)),
    )
    session.tell(told)
    return told


def take_all_back(session: Session) -> None:
    """Every service that this run has changed, also in the part of it that was cut off and resumed: the last one first."""
    for step, before in sorted(session.befores.items(), reverse=True):
        for each in reversed(before):
            if each.kind == "Deployment" and each.stage and (step, each.name) not in session.taken_back:
                take_back(session, StagePlan(step=step, stage=each.stage, kind=each.kind, name=each.name), before)


def _problems(session: Session, stage: StagePlan, before: Sequence[Before]) -> Iterator[str]:
    """Of each part; when the API server is lost for good, no other is tried."""
    if not _deployment(stage, before):
        yield "what was there before is not known"
    for part in _PARTS:
        try:
            part(session, stage, before)
        except ServerLost as lost:  # noqa: PERF203 - each is tried
            yield lost.message
            return
        except BodyworkError as failed:
            yield failed.message


def _undo(session: Session, stage: StagePlan, before: Sequence[Before]) -> None:
    stood = _deployment(stage, before)
    if not stood or stood.revision is None:
        return
    result = session.kubectl.try_("rollout", "undo", f"deployment/{stage.name}", f"--to-revision={stood.revision}")
    # a try whose answer was lost has undone it, and given the revision another number
    if result.exit_code != 0 and template_of(find(session, "Deployment", stage.name)) != template_of(stood.object):
        raise failure_of(result)


def _apply(session: Session, stage: StagePlan, before: Sequence[Before]) -> None:
    _send(session, stage, "apply", before)


def _replace(session: Session, stage: StagePlan, before: Sequence[Before]) -> None:
    _send(session, stage, "replace", before)


def _send(session: Session, stage: StagePlan, verb: str, before: Sequence[Before]) -> None:
    """Those of them for which this is the way back."""
    ways = [each.way_back() for each in before if each.object]
    objects = [manifest for its_verb, manifest in ways if its_verb == verb]
    if objects:
        result = session.kubectl.try_(verb, "-f", "-", stdin=to_json(objects))
        tell_changes(session, stage.step, objects, result)
        check(result)


def _remove(session: Session, stage: StagePlan, before: Sequence[Before]) -> None:
    home = Home(session.plan.pipeline, session.namespace)
    new = [each for each in before if each.object is None]
    stand = [(each, now) for each in new if (now := live(session, each.api_version, each.kind, each.name, each.namespace))]
    ours = [each for each, now in stand if home.made(now)]
    if ours:
        result = session.kubectl.try_("delete", *(each.words for each in ours), "--ignore-not-found")
        objects = [KubeObject({"kind": each.kind, "metadata": {"name": each.name}}) for each in ours]
        tell_changes(session, stage.step, objects, result)
        check(result)
    if left := [each.words for each, _ in stand if each not in ours]:
        raise BodyworkError(f"not removed, since no run of this pipeline made it: {', '.join(left)}")


def _wait(session: Session, stage: StagePlan, before: Sequence[Before]) -> None:
    stood = _deployment(stage, before)
    if stood and stood.object:
        spec = stood.object.get("spec") or {}
        seconds = int(spec.get("progressDeadlineSeconds") or PROGRESS_DEADLINE_SECONDS) + MARGIN_SECONDS
        words = [f"deployment/{stage.name}", f"--timeout={seconds}s", "--request-timeout=0"]
        session.kubectl.run("rollout", "status", *words, timeout_seconds=seconds + MARGIN_SECONDS)


_Part = Callable[[Session, StagePlan, Sequence[Before]], None]
_PARTS: tuple[_Part, ...] = (_undo, _apply, _replace, _remove, _wait)


def _deployment(stage: StagePlan, before: Sequence[Before]) -> Before | None:
    return next((each for each in before if each.kind == "Deployment" and each.name == stage.name), None)


def _commit(stage: StagePlan, before: Sequence[Before]) -> str | None:
    stood = _deployment(stage, before)
    return annotation(stood.object, labels.GIT_COMMIT) if stood and stood.object else None


def _revision(stage: StagePlan, before: Sequence[Before]) -> int | None:
    """None: there was none, for sure."""
    stood = _deployment(stage, before)
    return None if stood and stood.object is None else (stood and stood.revision) or 0
