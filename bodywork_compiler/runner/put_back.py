"""At the end of a bad run: what it has changed beside its services, set-up and what overlays add, of any kind, goes back too, or is named.

Changed objects go back before the failure stage, so that services which went back find what they had; what is new goes after it, since that stage may
need it. What a run leaves standing by intent (good services of earlier steps) keeps the set-up that it was made with.
"""

from __future__ import annotations

from collections.abc import Iterator

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import failure_of
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import Before, live
from bodywork_compiler.runner.prune import HOLD_OTHERS
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home, is_rendered


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
        _send(session, step, each, words, KubeObject({"apiVersion": each.api_version, "kind": each.kind, "metadata": metadata}))


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
    return _send(session, step, each, (verb, "-f", "-"), manifest)


def _send(session: Session, step: int, each: Before, words: tuple[str, ...], manifest: KubeObject) -> bool:
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
