"""What a bad run has changed goes back: services to what stood before the step, all else, of any kind, at the end.

A service goes back by `rollout undo`, then its objects from before: undo alone leaves labels and fields outside the pod template; apply alone
does nothing where the restart of an unchanged service failed. A first deployment is removed.

All else goes back before the failure stage, so that services which went back find what they had; what is new goes after it, since that stage
may need it. What a run leaves by intent (good services of earlier steps) keeps the set-up that it was made with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.errors import BodyworkError, ServerLost
from bodywork_compiler.kubectl import failure_of
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner.applying import check, tell_changes
from bodywork_compiler.runner.before import Before, find, live, template_of
from bodywork_compiler.runner.events import RolledBack, StagePlan
from bodywork_compiler.runner.prune import HOLD_OTHERS
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home, is_rendered
from bodywork_compiler.runner.watching import annotation

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


def changed(session: Session) -> None:
    """Each as it was; what cannot be put back is told, each with its reason."""
    stays = _staying_services(session)
    found = [(step, each) for step, each in _others(session) if each.object and _is_changed(session, each)]
    left = [each for step, each in found if step == labels.STEP_SETUP and stays]
    if left:
        session.notice(
            f"not put back, since {', '.join(stays)} of this run stay{'s' if len(stays) == 1 else ''} and may need it: {_words(left)} "
            "(--rollback all takes all of it back)",
            "WARNING",
        )
    done = [each for step, each in found if each not in left and _is_done(session, step, each)]
    if done:
        session.notice(f"put back as before the run: {_words(done)}")


def new(session: Session) -> None:
    """What overlays add, and was not there before the run. The pipeline's own set-up stays: nothing ran on it, and failed Jobs name it."""
    stays = _staying_services(session)
    for step, each in _others(session):
        now = None if each.object or (step == labels.STEP_SETUP and stays) else _live(session, each)
        if now is None or (step == labels.STEP_SETUP and is_rendered(now) and _is_set_up(session, each)):
            continue
        if not Home(session.plan.pipeline, session.namespace).made(now):
            session.notice(f"not removed again, since no run of this pipeline made it: {each.words}", "WARNING")
            continue
        if each.kind in HOLD_OTHERS:
            session.notice(f"not removed again, since more than itself would go with it: {each.words}", "WARNING")
            continue
        words = ("delete", "-f", "-", "--ignore-not-found", "--wait=false")
        metadata = {"name": each.name, **({"namespace": each.namespace} if each.namespace else {})}
        _apply_objects(session, step, each, words, KubeObject({"apiVersion": each.api_version, "kind": each.kind, "metadata": metadata}))


def _is_set_up(session: Session, each: Before) -> bool:
    """What a render makes itself before the first step. A label alone does not say it: overlays label what they add, too (kustomize's `labels`)."""
    is_named_so = each.kind in {"ConfigMap", "ServiceAccount"} and labels.object_name(session.plan.pipeline) in each.name
    return (each.api_version == "v1" and is_named_so) or each.kind == "Namespace"


def _others(session: Session) -> Iterator[tuple[int, Before]]:
    """The last step first. Of steps that were good, what was changed stays as their services do, unless all goes back."""
    bad = {step for (step, _), ended in session.ended.items() if ended.result in {"failed", "timed out", "stopped"}}
    bad |= {labels.STEP_SETUP, max(session.befores, default=labels.STEP_SETUP)}
    for step, before in sorted(session.befores.items(), reverse=True):
        if step in bad or session.options.rollback == "all":
            yield from ((step, each) for each in before if not each.is_of_service)


def _staying_services(session: Session) -> list[str]:
    if session.options.rollback == "all":
        return []
    return [ended.stage for key, ended in session.ended.items() if ended.result == "available" and key not in session.taken_back]


def _is_changed(session: Session, each: Before) -> bool:
    now = _live(session, each)
    return now is None or now["metadata"].get("resourceVersion") != (each.object or {})["metadata"].get("resourceVersion")


def _live(session: Session, each: Before) -> Object | None:
    try:
        return live(session, each.api_version, each.kind, each.name, each.namespace)
    except BodyworkError:  # said when it is to be changed
        return None


def _is_done(session: Session, step: int, each: Before) -> bool:
    verb, manifest = each.way_back()
    return _apply_objects(session, step, each, (verb, "-f", "-"), manifest)


def _apply_objects(session: Session, step: int, each: Before, words: tuple[str, ...], manifest: KubeObject) -> bool:
    kubectl = session.kubectl.in_namespace(each.namespace) if each.namespace else session.kubectl
    try:
        result = kubectl.try_(*words, stdin=to_json([manifest]))
        tell_changes(session, step, [manifest], result)
        if result.exit_code == 0:
            return True
        why = failure_of(result).message
    except BodyworkError as failed:
        why = failed.message
    session.notice(f"NOT put back as before the run: {each.words}: {why}", "ERROR")
    return False


def _words(found: list[Before]) -> str:
    return ", ".join(each.words for each in found)
