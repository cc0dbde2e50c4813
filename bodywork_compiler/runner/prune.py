"""After a good run: what no stage of the plan needs any more goes, by this pipeline's label and repository, and never what something still names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import owners, takeover
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.references import CONFIG_MAPS, OTHERS_WITH_PODS, SECRETS, accounts_of, brought, named_by, objects
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import RENDERED, Home, Place, namespace_of
from bodywork_compiler.runner.watching import name

NAMING = ("ReplicaSet", "Job", "Pod")
REFERENCES = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS, "ServiceAccount": ()}
# with them would go what cannot be made again: all that is in a namespace, all objects of a kind, what a volume holds
HOLD_OTHERS = ("Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume")


def prune(session: Session) -> None:
    """Reads, and one call of kubectl where there is something. The run has succeeded, whatever becomes of this: what cannot be done is told."""
    try:
        unneeded = _unneeded(session)
    except (BodyworkError, NotThere) as why:
        session.notice(f"what no stage needs any more is not removed, since it cannot be looked for: {why}", "WARNING")
        return
    if not unneeded:
        return
    kept = [each for each in unneeded if each["kind"] in HOLD_OTHERS]
    going = [each for each in unneeded if each not in kept]
    if kept:
        session.notice(f"kept, though no manifest has it any more, since more than itself would go with it: {_shown(kept)}", "WARNING")
    if going and not session.options.prune:
        session.notice(f"kept, though no stage needs it any more (--no-prune): {_shown(going)}")
    elif going:
        session.notice(f"removing what no stage needs any more: {_shown(going)}")
        takeover.wait_until_led_over(session)
        _remove(session, going)


def _shown(found: Iterable[Object]) -> str:
    return ", ".join(f"{each['kind'].lower()}/{name(each)}" for each in found)


def _remove(session: Session, unneeded: Iterable[Object]) -> None:
    """One call for each namespace; those of the pipeline's own first."""
    by_namespace: dict[str | None, list[KubeObject]] = {}
    for each in unneeded:
        there = namespace_of(each)
        by_namespace.setdefault(there if there != session.namespace else None, []).append(_reference(each))
    for there, going in by_namespace.items():
        kubectl = session.kubectl.in_namespace(there) if there else session.kubectl
        result = kubectl.try_("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=to_json(going))
        tell_changes(session, labels.STEP_SETUP, going, result)
        if result.exit_code != 0:
            session.notice(f"not all of it was removed: {result.said}", "WARNING")


def _unneeded(session: Session) -> list[Object]:
    found = [*_made(session), *_copies(session)]
    if any(each["kind"] in REFERENCES for each in found):
        still_named = _still_named(session)
        found = [each for each in found if name(each) not in still_named.get(each["kind"], ())]
    return [*found, *takeover.left_behind(session)]


def _made(session: Session) -> Iterator[Object]:
    """Objects that runs of this pipeline have made or adopted, and that are not in the plan any more. What bears its label alone is not asked for."""
    home = Home(session.plan.pipeline, session.namespace)
    wanted = {_key(each.body) for each in objects(session.plan)}
    repository = owners.repository_of(session.plan)
    # then what overlays have added, in this run or an earlier one
    for place in (*RENDERED, *(session.lock.record.places if session.lock else ())):
        for each in _outlines(session, place):
            if (
                _key(each) in wanted
                or not home.made(each)
                or home.copied(each)
                or home.owner_of(each)
                or each["metadata"].get("deletionTimestamp")
            ):
                continue
            if session.options.adopts_all or owners.is_of(each, repository):
                yield each


def _outlines(session: Session, place: Place) -> list[Object]:
    """What may not be listed, or is of a kind that is gone, is not looked at."""
    api = session.api.elsewhere(place.namespace) if place.namespace else session.api
    try:
        return session.ask(lambda: api.outlines_any(place.api_version, place.kind, {"labelSelector": _ours(session)}))
    except (Refused, NotThere):
        return []


def _key(obj: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(obj["apiVersion"]).rpartition("/")[0], str(obj["kind"]), name(obj)


def _copies(session: Session) -> list[Object]:
    """Copies of a group's secrets which this run did not ask for, and which are not in the plan."""
    home = Home(session.plan.pipeline, session.namespace)
    wanted = {each.name for each in (*session.copies, *brought(session.plan))}
    try:
        found = session.ask(lambda: session.api.outlines("Secret", {"labelSelector": _ours(session)}))
    except (Refused, NotThere) as why:
        if session.copies:
            session.notice(f"copies of secrets that nobody names are not looked for: {why}", "WARNING")
        return []
    return [each for each in found if home.copied(each) and name(each) not in wanted]


def _still_named(session: Session) -> Mapping[str, set[str]]:
    """Also by others in the namespace, and by the revisions to which a service may go back."""
    specs: list[object] = [each.body for each in objects(session.plan)]
    for kind in NAMING:
        specs += [each.get("spec") for each in session.ask(lambda kind=kind: session.api.list(kind, {}))[0]]  # type: ignore[misc]  # mypy cannot infer it
    for kind in OTHERS_WITH_PODS:  # which may have no pod now
        with suppress(Refused):
            specs += [each.get("spec") for each in session.ask(lambda kind=kind: session.api.list(kind, {}))[0]]  # type: ignore[misc]
    found = {kind: {each for spec in specs for each in named_by(spec, references)} for kind, references in REFERENCES.items()}
    return {**found, "ServiceAccount": {each for spec in specs for each in accounts_of(spec)}}


def _ours(session: Session) -> str:
    return f"{labels.PIPELINE}={session.plan.pipeline}"


def _reference(obj: Object) -> KubeObject:
    metadata = {"name": name(obj), **({"namespace": there} if (there := namespace_of(obj)) else {})}
    return KubeObject({"apiVersion": obj["apiVersion"], "kind": obj["kind"], "metadata": metadata})
