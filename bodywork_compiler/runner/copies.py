"""Copies of a group's secrets in the run's namespace: made and updated before step 1, put back when the run fails. `prune` removes those that nobody names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress

from bodywork_compiler import labels
from bodywork_compiler.api import Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import failure_of
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import groups
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import find
from bodywork_compiler.runner.observe import name
from bodywork_compiler.runner.references import OTHERS_WITH_PODS, named_by
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home
from bodywork_compiler.runner.verdicts.values import condition

_KEPT = ("name", "namespace", "labels", "annotations")  # of the metadata of a secret that is put back


def copy_in(session: Session) -> None:
    """What `secrets.check` found in the group; two calls of kubectl at most. A secret that came to stand there meanwhile is not overwritten."""
    changed = [each for each in session.copies if not groups.is_the_same(session.secrets_before.get(each.name), each)]
    new = [each for each in changed if each.name not in session.secrets_before]
    session.secrets_new = tuple(each.name for each in new)
    _put(session, "create", new)
    replaced = [each for each in changed if each.name in session.secrets_before]
    session.secrets_changed = tuple(each.name for each in replaced)
    _put(session, "replace", [_at_its_version(session, each) for each in replaced])


def put_back(session: Session) -> None:
    """The values that stood before, before any pod of before is made again. Once; what cannot be put back is told."""
    if session.options.keep_failed:
        return
    names, session.secrets_changed = session.secrets_changed, ()
    if not names:
        return
    copies = {each.name: each for each in session.copies}
    try:
        now = {each: find(session, "Secret", each) for each in names}
        ours = [each for each in names if groups.is_the_same(now[each], copies[each])]
        _put(session, "replace", [_as_before(session.secrets_before[each], now[each]) for each in ours])
        session.notice(f"secrets put back as they were: {', '.join(ours) or 'none'}")
    except BodyworkError as failed:
        session.notice(f"secrets NOT put back as they were: {', '.join(names)}: {failed.message}", "ERROR")


def remove_new(session: Session) -> None:
    """After a failure: copies that stood not there before, but those that something needs that was good, or could not be taken back."""
    names, session.secrets_new = session.secrets_new, ()
    if not names or session.options.keep_failed:
        return
    try:
        found = [find(session, "Secret", each) for each in names]
        home = Home(session.plan.pipeline, session.namespace)
        unneeded = {name(each) for each in found if each and home.copied(each)} - set(_needed(session))
    except BodyworkError as why:
        session.notice(f"new copies of secrets were not removed again: {', '.join(names)}: {why.message}", "WARNING")
        return
    _delete(session, unneeded)


def _delete(session: Session, names: AbstractSet[str]) -> None:
    if not names:
        return
    result = session.kubectl.try_("delete", *(f"secret/{each}" for each in sorted(names)), "--ignore-not-found")
    tell_changes(session, labels.STEP_SETUP, [KubeObject({"kind": "Secret", "metadata": {"name": each}}) for each in names], result)
    if result.exit_code != 0:
        session.notice(f"not removed: secrets {', '.join(sorted(names))}: {result.said}", "WARNING")


def _needed(session: Session) -> Iterator[str]:
    """By what makes pods from now on: a Job that has ended does not."""
    for kind in ("Deployment", "Job"):
        for obj in _all(session, kind, None):
            if not (condition(obj, "Failed") or condition(obj, "Complete")):
                yield from named_by(obj.get("spec"))
    for kind in OTHERS_WITH_PODS:
        with suppress(Refused):
            for obj in _all(session, kind, None):
                yield from named_by(obj.get("spec"))


def _all(session: Session, kind: str, selector: str | None) -> list[Object]:
    return session.ask(lambda: session.api.list(kind, {"labelSelector": selector} if selector else {}))[0]


def _put(session: Session, verb: str, objects: Sequence[KubeObject]) -> None:
    if not objects:
        return
    result = session.kubectl.try_(verb, "-f", "-", stdin=to_json(objects))
    tell_changes(session, labels.STEP_SETUP, objects, result)
    # a call whose answer was lost is tried again, and is refused then what it has done
    if result.exit_code != 0 and not all(_stands(session, each) for each in objects):
        raise failure_of(result)


def _stands(session: Session, wanted: KubeObject) -> bool:
    found = find(session, "Secret", wanted.name)
    return found is not None and found.get("data") == wanted.body.get("data") and (found["metadata"].get("labels") or {}) == wanted.labels


def _at_its_version(session: Session, copy: KubeObject) -> KubeObject:
    """Refused when somebody else has changed it since we looked."""
    version = session.secrets_before[copy.name]["metadata"].get("resourceVersion")
    return KubeObject({**copy.body, "metadata": {**copy.body["metadata"], "resourceVersion": version}}, copy.origin)


def _as_before(before: Object, now: Object | None) -> KubeObject:
    metadata = {key: value for key, value in before["metadata"].items() if key in _KEPT}
    version = (now or {}).get("metadata", {}).get("resourceVersion")
    body = {key: value for key, value in before.items() if key in {"type", "data"}}
    return KubeObject({"apiVersion": "v1", "kind": "Secret", **body, "metadata": {**metadata, "resourceVersion": version}})
