"""Whose the objects are that a run would change or remove. Asked before the first change; `--adopt` is the word to take what is not ours."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.repository import is_same
from bodywork_compiler.run_options import ALL, RunOptions
from bodywork_compiler.runner import history, lease
from bodywork_compiler.runner.before import record_name_of
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import Home, Place, is_rendered, places, whose
from bodywork_compiler.runner.watching import annotation, label, name
from bodywork_compiler.to_copy import to_copy

# of these the metadata of all is listed: one question for a kind, whatever the number of objects
LISTED = {
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Service"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "Job"),
    ("networking.k8s.io/v1", "Ingress"),
}


class NotOurs(BodyworkError):
    """What a run would change is somebody else's: no answer to a question makes it ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An object that stands under the name of one of ours, and is not ours to change without a word. `why` says whose it is."""

    kind: str
    name: str
    stage: str | None
    object: Object
    why: str
    has_other_selector: bool = False

    @property
    def words(self) -> str:
        return f"{self.kind} {self.name} ({self.why})"

    @property
    def option(self) -> str:
        return f"--adopt {self.kind.lower()}/{self.name}"


def check(session: Session) -> None:
    """Refuse what is of another repository, or not this pipeline's, all at once; what is adopted is told, and the run remembers it."""
    stand = _pipelines_own(session)
    found = tuple(strangers(session, Home(session.plan.pipeline, session.namespace).among(stand)))
    refuse(session.plan, session.namespace, session.options, strangers=found, stand=stand)
    for message, level in notices(session.plan, stand, session.options):
        session.notice(message, level)
    for each in found:
        session.notice(f"taking over {each.kind.lower()}={each.name}: {each.why}", "WARNING")
    session.adopted = found


def refuse(plan: Plan, namespace: str, options: RunOptions, *, strangers: Sequence[Stranger], stand: Sequence[Object]) -> None:
    """Raise NotOurs unless all of it may be changed. `stand` are the objects with the pipeline's label in its namespace."""
    open_ones = [each for each in strangers if not options.adopts(each.kind, each.name)]
    whole = [] if options.adopts_all else [*_of_another_repository(plan, namespace, stand), *_under_other_names(plan, namespace, stand)]
    if not (open_ones or whole):
        return
    listed = "; ".join(each.words for each in open_ones)
    told = [*whole, *([f"not this pipeline's to change, in namespace {namespace}: {listed}"] if open_ones else [])]
    only = to_copy("bodywork", "apply", options={"adopt": ["all"] if whole else [f"{each.kind.lower()}/{each.name}" for each in open_ones]})
    adopt = only if whole else f"{only} (or --adopt all)"
    give = "Give this one another name (pipeline.name) or namespace (--namespace)." if whole else _OTHER_NAMES
    raise NotOurs("\n".join(told), hint=f"{give} Or take it over: {adopt}. docs/migrating.md says what that does.")


_OTHER_NAMES = "Give what is in the way another name in the manifests, or the pipeline another namespace."


def check_names(plan: Plan, options: RunOptions) -> None:
    """Refuse a name after `--adopt` that nothing in the plan has, `manifests/` for instance."""
    known = {ALL} | {f"{each.kind.lower()}/{each.name}" for each in (*objects(plan), *records(plan))}
    unknown = [each for each in options.adopt if each not in known]
    if unknown:
        raise BodyworkError(
            f"--adopt {', '.join(unknown)}: the manifests have no such object",
            hint="Give KIND/NAME, such as deployment/serve, or all, which takes over whatever is in the way.",
        )


# the repository, and the names


def repository_of(plan: Plan) -> str | None:
    """Where the plan came from; None: from no repository that others could reach."""
    found = (each.annotations.get(labels.GIT_URL) for each in objects(plan))
    return plan.facts.get(labels.FACT_GIT_URL) or next(filter(None, found), None)


def is_of(obj: Object, repository: str | None) -> bool:
    """Whether an object came from that repository. What came from none is the same project's, before it had one."""
    url = annotation(obj, labels.GIT_URL)
    return url is None or (repository is not None and is_same(url, repository))


def notices(plan: Plan, stand: Sequence[Object], options: RunOptions) -> Iterator[tuple[str, Any]]:
    ours = repository_of(plan)
    others = _others(plan, stand)
    if others and ours is None:
        yield f"what stands here came from {_origin(others[0])}; this run comes from no repository, and takes its place", "WARNING"
    elif others and options.adopts_all:
        yield f"taking over pipeline {plan.pipeline} from {_origin(others[0])}", "WARNING"
    if ours and any(annotation(each, labels.GIT_URL) is None for each in stand if is_rendered(each)):
        yield f"what stands here came from no repository; it is taken for this project's, which is at {ours} now", "INFO"


def _others(plan: Plan, stand: Sequence[Object]) -> list[Object]:
    ours = repository_of(plan)
    return [each for each in stand if is_rendered(each) and not is_of(each, ours)]


def _of_another_repository(plan: Plan, namespace: str, stand: Sequence[Object]) -> Iterator[str]:
    ours, others = repository_of(plan), _others(plan, stand)
    if others and ours is not None:
        yield (
            f"pipeline {plan.pipeline} in namespace {namespace} belongs to another repository: {_origin(others[0])} "
            f"({others[0]['kind']} {name(others[0])}); this is {ours}"
        )


def _under_other_names(plan: Plan, namespace: str, stand: Sequence[Object]) -> Iterator[str]:
    """Two overlays with different prefixes under one pipeline's label would take each other's objects for what is gone."""
    own = {each.name for each in objects(plan) if each.kind == "ConfigMap" and each.labels.get(labels.ROLE) == labels.ROLE_PIPELINE}
    there = [name(each) for each in stand if each["kind"] == "ConfigMap" and label(each, labels.ROLE) == labels.ROLE_PIPELINE]
    if own and there and not own & {*there}:
        yield (
            f"pipeline {plan.pipeline} is in namespace {namespace} already, under other names: its ConfigMap is {there[0]} there, and {min(own)} "
            f"in these manifests. Two overlays in one namespace are two pipelines: each sets the label {labels.PIPELINE} too"
        )


def _origin(obj: Object) -> str:
    commit, branch = annotation(obj, labels.GIT_COMMIT), annotation(obj, labels.GIT_BRANCH)
    at = f" at {commit[:7]}" if commit else ""
    return f"{annotation(obj, labels.GIT_URL)}{at}{f' ({branch})' if branch else ''}"


def _pipelines_own(session: Session) -> list[Object]:
    maps = outlines(session, "ConfigMap", f"{labels.PIPELINE}={session.plan.pipeline}")
    return [*session.picture.all("Deployment"), *session.picture.all("Job"), *maps]


# objects under our names


def strangers(session: Session, home: Home) -> Iterator[Stranger]:
    """All that this run would write, and that somebody else made; and our own Deployments that cannot be changed."""
    written = [each for each in objects(session.plan) if (each.kind, each.name) != ("Namespace", home.namespace)]
    for place in places(written, home):
        mine = {each.name: each for each in written if places([each], home) == (place,)}
        for live in _live(session, place, mine):
            yield from judged(mine[name(live)], live, home, lambda live=live, place=place: _whole(session, place, live))  # type: ignore[misc]
    yield from _records(session)


def judged(wanted: KubeObject, live: Object, home: Home, whole: Callable[[], Object]) -> Iterator[Stranger]:
    """`whole()` gives all of an object whose metadata is `live`."""
    why = whose(wanted, live, home)
    if why is None and wanted.kind != "Deployment":
        return
    found = whole()
    has_other_selector = wanted.kind == "Deployment" and _selector(found) != _selector(wanted.body)
    if why is None and not has_other_selector:
        return
    if why is None:
        selector = ",".join(f"{key}={value}" for key, value in _selector(found).items())
        why = f"its selector is {selector}, which Kubernetes lets nobody change"
    yield Stranger(kind=wanted.kind, name=wanted.name, stage=wanted.stage, object=found, why=why, has_other_selector=has_other_selector)


def _live(session: Session, place: Place, wanted: Mapping[str, KubeObject]) -> Iterator[Object]:
    """Those that are there, their metadata at least. What may not be read is not looked at: kubectl says so when it is to be changed."""
    if place.namespace is None and (place.api_version, place.kind) in LISTED:
        try:
            listed = session.ask(lambda: session.api.outlines(place.kind, {}))
        except (Refused, NotThere):
            pass
        else:
            yield from (each for each in listed if name(each) in wanted)
            return
    for each in wanted:
        found = _find(session, place, each)
        if found:
            yield found


def _find(session: Session, place: Place, object_name: str) -> Object | None:
    api = session.api.elsewhere(place.namespace) if place.namespace else session.api
    try:
        return session.ask(lambda: api.find_any(place.api_version, place.kind, object_name))
    except (Refused, NotThere):
        return None


def _whole(session: Session, place: Place, live: Object) -> Object:
    if place.kind == "Deployment" and (seen := session.picture.get("Deployment", name(live))):
        return seen
    return _find(session, place, name(live)) or live


def records(plan: Plan) -> list[KubeObject]:
    """What a run writes about itself. It bears the pipeline's label, and no mark."""
    maps = [KubeObject({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": each}}) for each in _record_names(plan.pipeline)]
    lock = {"apiVersion": lease.API_VERSION, "kind": "Lease", "metadata": {"name": labels.object_name(plan.pipeline)}}
    return [*maps, KubeObject(lock)]


def judged_record(plan: Plan, record: KubeObject, found: Object) -> Iterator[Stranger]:
    if label(found, labels.PIPELINE) != plan.pipeline:
        use = "its lock is to be there" if record.kind == "Lease" else "its runs keep their records there"
        why = f"{use}, and Bodywork did not make it"
        yield Stranger(kind=record.kind, name=record.name, stage=None, object=found, why=why)


def _record_names(pipeline: str) -> tuple[str, str]:
    return history.name_of(pipeline), record_name_of(pipeline)


def _records(session: Session) -> Iterator[Stranger]:
    """The lock is looked at when it is taken (`lock_taking`)."""
    for each in records(session.plan):
        found = _find(session, Place(str(each.body["apiVersion"]), each.kind), each.name) if each.kind != "Lease" else None
        if found:
            yield from judged_record(session.plan, each, found)


def outlines(session: Session, kind: str, selector: str) -> list[Object]:
    """What may not be listed is not looked at: kubectl says so soon enough when it is to be changed."""
    try:
        return session.ask(lambda: session.api.outlines(kind, {"labelSelector": selector}))
    except (Refused, NotThere):
        return []


def _selector(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    return ((deployment.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
