"""After a good run: what no stage of the plan needs any more goes, by this pipeline's label and repository, and never what something still names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import groups, owners, takeover
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.observe import name
from bodywork_compiler.runner.references import CONFIG_MAPS, SECRETS, named_by, objects
from bodywork_compiler.runner.session import Session

# in the order in which they are taken away: first what leads requests to pods, last what pods read. The ServiceAccount stays
KINDS = ("Ingress", "Service", "Deployment", "Job", "ConfigMap")
NAMING = ("ReplicaSet", "Job", "Pod")
REFERENCES = {"ConfigMap": CONFIG_MAPS, "Secret": SECRETS}
_API_VERSIONS = {"Ingress": "networking.k8s.io/v1", "Deployment": "apps/v1", "ReplicaSet": "apps/v1", "Job": "batch/v1"}


def prune(session: Session) -> None:
    """Reads, and one call of kubectl where there is something. The run has succeeded, whatever becomes of this: what cannot be done is told."""
    try:
        unneeded = _unneeded(session)
    except (BodyworkError, NotThere) as why:
        session.notice(f"what no stage needs any more is not removed, since it cannot be looked for: {why}", "WARNING")
        return
    if not unneeded:
        return
    listed = ", ".join(f"{each['kind'].lower()}/{name(each)}" for each in unneeded)
    if not session.options.prune:
        session.notice(f"kept, though no stage needs it any more (--no-prune): {listed}")
        return
    session.notice(f"removing what no stage needs any more: {listed}")
    takeover.wait_until_led_over(session)
    going = [_reference(each) for each in unneeded]
    result = session.kubectl.try_("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=to_json(going))
    tell_changes(session, labels.STEP_SETUP, going, result)
    if result.exit_code != 0:
        session.notice(f"not all of it was removed: {result.said}", "WARNING")


def _unneeded(session: Session) -> list[Object]:
    found = [*_of_stages(session), *_copies(session)]
    if any(each["kind"] in REFERENCES for each in found):
        still_named = _still_named(session)
        found = [each for each in found if name(each) not in still_named.get(each["kind"], ())]
    return [*found, *takeover.left_behind(session)]


def _of_stages(session: Session) -> Iterator[Object]:
    """Objects that were rendered once, and are not in the plan any more."""
    wanted = {(each.kind, each.name) for each in objects(session.plan)}
    repository = owners.repository_of(session.plan)
    for kind in KINDS:
        for each in owners.outlines(session, kind, _ours(session)):
            if (kind, name(each)) in wanted or not owners.is_rendered(each) or _is_somebodys(each):
                continue
            if session.options.adopt or owners.is_of(each, repository):
                yield each


def _copies(session: Session) -> list[Object]:
    """Copies of a group's secrets which this run did not ask for."""
    wanted = {each.name for each in session.copies}
    try:
        found = session.ask(lambda: session.api.outlines("Secret", {"labelSelector": _ours(session)}))
    except (Refused, NotThere) as why:
        if session.copies:
            session.notice(f"copies of secrets that nobody names are not looked for: {why}", "WARNING")
        return []
    return [each for each in found if groups.is_any_copy(each) and name(each) not in wanted]


def _still_named(session: Session) -> Mapping[str, set[str]]:
    """Also by others in the namespace, and by the revisions to which a service may go back."""
    specs: list[object] = [each.body for each in objects(session.plan)]
    for kind in NAMING:
        specs += [each.get("spec") for each in session.ask(lambda kind=kind: session.api.list(kind, {}))[0]]  # type: ignore[misc]  # mypy cannot infer it
    return {kind: {each for spec in specs for each in named_by(spec, references)} for kind, references in REFERENCES.items()}


def _is_somebodys(obj: Object) -> bool:
    """Made by another object, which looks after it, or on its way out."""
    return bool(obj["metadata"].get("ownerReferences") or obj["metadata"].get("deletionTimestamp"))


def _ours(session: Session) -> str:
    return f"{labels.PIPELINE}={session.plan.pipeline}"


def _reference(obj: Object) -> KubeObject:
    kind = obj["kind"]
    return KubeObject({"apiVersion": _API_VERSIONS.get(kind, "v1"), "kind": kind, "metadata": {"name": name(obj)}})
