"""Whose the objects are that a run would change or remove. Asked before the first change; `--adopt` is the word to take what is not ours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import NotThere, Object, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, Plan
from bodywork_compiler.repository import is_same
from bodywork_compiler.runner.before import find
from bodywork_compiler.runner.observe import annotation, label, name
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.session import Session

KINDS = ("Deployment", "Service", "Ingress", "Job")
_ADOPT = "Or take it over: bodywork apply --adopt (docs/migrating.md says what that does)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An object that stands under the name of one of ours, and is not ours to change without a word. `why` says whose it is."""

    kind: str
    name: str
    stage: str | None
    object: Object
    why: str
    has_other_selector: bool = False


def check(session: Session) -> None:
    """Refuse what is of another repository, or not this pipeline's; with `--adopt` it is told, and the run remembers what it takes."""
    check_repository(session)
    found = tuple(strangers(session))
    if found and not session.options.adopt:
        raise _refusal(session, found)
    for each in found:
        session.notice(f"taking over {each.kind.lower()}={each.name}: {each.why}", "WARNING")
    session.adopted = found


# the repository


def repository_of(plan: Plan) -> str | None:
    """Where the plan came from; None: from no repository that others could reach."""
    found = (each.annotations.get(labels.GIT_URL) for each in objects(plan))
    return plan.facts.get(labels.FACT_GIT_URL) or next(filter(None, found), None)


def is_rendered(obj: Object) -> bool:
    """Whether `render` made it: all that it makes has a place in the order of the steps."""
    return label(obj, labels.STEP) is not None or label(obj, labels.ROLE) is not None


def is_of(obj: Object, repository: str | None) -> bool:
    """Whether an object came from that repository. What came from none is the same project's, before it had one."""
    url = annotation(obj, labels.GIT_URL)
    return url is None or (repository is not None and is_same(url, repository))


def check_repository(session: Session) -> None:
    stand = [
        each for each in (*session.picture.all("Deployment"), *session.picture.all("Job"), *_config_maps(session)) if is_rendered(each)
    ]
    ours = repository_of(session.plan)
    others = [each for each in stand if not is_of(each, ours)]
    if others and ours is None:
        session.notice(
            f"what stands here came from {_origin(others[0])}; this run comes from no repository, and takes its place", "WARNING"
        )
    elif others and session.options.adopt:
        session.notice(f"taking over pipeline {session.plan.pipeline} from {_origin(others[0])}", "WARNING")
    elif others:
        raise BodyworkError(
            f"pipeline {session.plan.pipeline} in namespace {session.namespace} belongs to another repository: {_origin(others[0])} "
            f"({others[0]['kind']} {name(others[0])}); this is {ours}",
            hint=f"Give this one another name (pipeline.name) or namespace (--namespace). {_ADOPT}",
        )
    if ours and any(annotation(each, labels.GIT_URL) is None for each in stand):
        session.notice(f"what stands here came from no repository; it is taken for this project's, which is at {ours} now")


def _origin(obj: Object) -> str:
    commit, branch = annotation(obj, labels.GIT_COMMIT), annotation(obj, labels.GIT_BRANCH)
    at = f" at {commit[:7]}" if commit else ""
    return f"{annotation(obj, labels.GIT_URL)}{at}{f' ({branch})' if branch else ''}"


def _config_maps(session: Session) -> list[Object]:
    return outlines(session, "ConfigMap", f"{labels.PIPELINE}={session.plan.pipeline}")


# objects under our names


def strangers(session: Session) -> Iterator[Stranger]:
    wanted = [each for each in objects(session.plan) if each.pipeline and each.kind in KINDS]
    others = {
        (each["kind"], name(each)): each
        for kind in KINDS
        if any(each.kind == kind for each in wanted)
        for each in outlines(session, kind, f"{labels.PIPELINE}!={session.plan.pipeline}")
    }
    for each in wanted:
        other = others.get((each.kind, each.name))
        own = session.picture.get("Deployment", each.name) if each.kind == "Deployment" else None
        if other:
            yield _stranger(session, each, other)
        elif own and _selector(own) != _selector(each.body):
            yield _with_other_selector(each, own)


def outlines(session: Session, kind: str, selector: str) -> list[Object]:
    """What may not be listed is not looked at: kubectl says so soon enough when it is to be changed."""
    try:
        return session.ask(lambda: session.api.outlines(kind, {"labelSelector": selector}))
    except (Refused, NotThere):
        return []


def _stranger(session: Session, wanted: KubeObject, outline: Object) -> Stranger:
    stands = find(session, wanted.kind, wanted.name) or outline
    return Stranger(
        kind=wanted.kind,
        name=wanted.name,
        stage=wanted.stage,
        object=stands,
        why=_whose(outline),
        has_other_selector=wanted.kind == "Deployment" and _selector(stands) != _selector(wanted.body),
    )


def _with_other_selector(wanted: KubeObject, own: Object) -> Stranger:
    selector = ",".join(f"{key}={value}" for key, value in _selector(own).items())
    why = f"its selector is {selector}, which Kubernetes lets nobody change"
    return Stranger(kind=wanted.kind, name=wanted.name, stage=wanted.stage, object=own, why=why, has_other_selector=True)


def _whose(obj: Object) -> str:
    other = label(obj, labels.PIPELINE)
    if other:
        return f"it is pipeline {other}'s"
    return "it is earlier Bodywork's" if label(obj, "app") == "bodywork" else "Bodywork did not make it"


def _selector(deployment: Mapping[str, Any]) -> Mapping[str, str]:
    return ((deployment.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}


def _refusal(session: Session, found: Iterable[Stranger]) -> BodyworkError:
    listed = "; ".join(f"{each.kind} {each.name} ({each.why})" for each in found)
    return BodyworkError(
        f"not this pipeline's to change, in namespace {session.namespace}: {listed}",
        hint=f"Give the stages other names, or the pipeline another namespace. {_ADOPT}",
    )
