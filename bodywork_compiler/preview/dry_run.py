"""`apply --dry-run`: the run's steps, told in its own events. The server's word on every object, or (client) the plan alone; nothing is changed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import is_forbidden, is_unknown_kind
from bodywork_compiler.manifests import KubeObject, Plan, PlanStep
from bodywork_compiler.preview.difference import is_namespace_of_run
from bodywork_compiler.preview.missing import missing
from bodywork_compiler.preview.standing import has_namespace, labelled, standing, strangers
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import run
from bodywork_compiler.runner.events import DryRun, DryRunEnded, Event, Notice, ObjectChecked, StepStarted
from bodywork_compiler.runner.namespace import Whereabouts, whereabouts
from bodywork_compiler.runner.owners import NotOurs, records, refuse
from bodywork_compiler.runner.rehearsal import REFUSED, Checked, Rehearsal, accounts_to_come, check, kinds_to_come
from bodywork_compiler.runner.step import stage_plans
from bodywork_compiler.runner.tracking import RENDERED, tracked

_CHANGED_IN_PLACE = {"Secret", *(each.kind for each in RENDERED)}
DEFAULT_STAND_IN = "default"
EXIT_GOOD, EXIT_REFUSED = 0, 1


@dataclass(slots=True, kw_only=True)
class _Telling:
    """What has been told so far. The same warning is told once."""

    tell: Callable[[Event], None]
    namespace: str
    objects: int = 0
    refused: int = 0
    warned: set[str] = field(default_factory=set)
    is_warned: bool = False  # by the server, about an object

    def notice(self, message: str) -> None:
        if message not in self.warned:
            self.warned.add(message)
            self.tell(Notice(message=message, level="WARNING"))

    def refuse(self, message: str) -> None:
        """All of the run, not one object."""
        self.refused += 1
        self.tell(Notice(message=message, level="ERROR"))

    def checked(self, step: int, found: Checked) -> None:
        each = found.object
        self.objects += 1
        self.refused += found.action == "refused"
        namespace = None if each.kind == "Namespace" else each.namespace or self.namespace
        self.tell(
            ObjectChecked(
                step=step,
                stage=each.stage,
                kind=each.kind,
                name=each.name,
                namespace=namespace,
                action=found.action,
                reason=found.reason,
            )
        )
        for warning in found.warnings:
            self.is_warned = True
            self.notice(warning)


def dry_run(  # noqa: PLR0913 - the command's options
    plan: Plan, kubectl: Kubectl, tell: Callable[[Event], None], *, by: DryRun, stand_in: str | None, options: RunOptions = DEFAULT_RUN
) -> int:
    """Tell what a run would do; the exit code says whether something is refused. `stand_in` is asked where the run's namespace is not there."""
    began = time.monotonic()
    where = whereabouts(kubectl, plan) if by == "server" else _where_without_cluster(kubectl, plan)
    ask = _asking(kubectl, plan, where.namespace, stand_in) if by == "server" else None
    plan = tracked(plan, where.namespace)
    telling = _Telling(tell=tell, namespace=where.namespace)
    tell(run.about_to_start(plan, where, options))
    for notice in ask.unasked() if ask else ():
        telling.notice(notice)
    for found in ask.missing_secrets(plan) if ask else ():
        if isinstance(found, str):
            telling.notice(found)
        else:
            telling.checked(labels.STEP_SETUP, found)
    not_ours = ask.not_ours(plan, options, telling) if ask else {}
    for step in _steps(plan):
        if step.number != labels.STEP_SETUP:
            tell(StepStarted(step=step.number, stages=tuple(each.stage for each in stage_plans(step))))
        for found in ask.about(step) if ask else (Checked(object=each, action="applied") for each in step.objects):
            telling.checked(step.number, not_ours.get((found.object.kind, found.object.name), found))
    is_bad = telling.refused or (options.warnings_as_errors and telling.is_warned)
    exit_code = EXIT_REFUSED if is_bad else EXIT_GOOD
    tell(
        DryRunEnded(
            dry_run=by,
            exit_code=exit_code,
            seconds=time.monotonic() - began,
            pipeline=plan.pipeline,
            namespace=where.namespace,
            objects=telling.objects,
            refused=telling.refused,
        )
    )
    return exit_code


def _steps(plan: Plan) -> Iterator[PlanStep]:
    """The plan's, then the failure stage as a run has it: the step after the last."""
    yield from plan.steps
    if plan.on_failure:
        yield PlanStep(number=max((each.number for each in plan.steps), default=0) + 1, objects=(plan.on_failure,))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asking:
    """How the server is asked: in the run's namespace, or in another one while it is not there."""

    kubectl: Kubectl
    namespace: str
    asked_in: str
    free: str
    to_come: frozenset[str] = frozenset()
    kinds_to_come: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_stand_in(self) -> bool:
        return self.asked_in != self.namespace

    def unasked(self) -> Iterator[str]:
        if self.is_stand_in:
            yield (
                f"namespace {self.namespace} is not there: its objects are asked about in namespace {self.asked_in}. Not asked: the quotas, "
                f"limits and Pod Security of {self.namespace}, and whether the secrets that stages name are there"
            )

    def missing_secrets(self, plan: Plan) -> Iterable[Checked | str]:
        return () if self.is_stand_in else missing(self.kubectl, plan, self.namespace)

    def not_ours(self, plan: Plan, options: RunOptions, telling: _Telling) -> dict[tuple[str, str], Checked]:
        """What a run refuses to change without `--adopt`, by kind and name."""
        if self.is_stand_in:
            return {}
        try:
            refuse(plan, self.namespace, options, strangers=(), stand=labelled(self.kubectl, plan))
        except NotOurs as no:
            telling.refuse(no.message)
        objects = [each for step in _steps(plan) for each in step.objects]
        try:
            live = standing(self.kubectl, [*objects, *records(plan)], self.namespace)
        except KubectlFailed as no:  # what may not be read is asked about all the same
            if is_forbidden(no.result.err):
                return {}
            raise
        found = tuple(strangers(plan, live, self.namespace))
        manifests = {(each.kind, each.name): each for each in objects}
        for each in found:
            if (each.kind, each.name) not in manifests and not options.adopts(each.kind, each.name):
                telling.refuse(f"not this pipeline's to change: {each.words}; {each.option}")
        return {
            (each.kind, each.name): Checked(
                object=manifests[each.kind, each.name], action=REFUSED, reason=f"not this pipeline's to change: {each.why}; {each.option}"
            )
            for each in found
            if (each.kind, each.name) in manifests and not options.adopts(each.kind, each.name)
        }

    def about(self, step: PlanStep) -> list[Checked]:
        objects = [each for each in step.objects if self.is_stand_in or not is_namespace_of_run(each, self.namespace)]
        moved = [_moved(each, self.namespace, self.asked_in) for each in objects]
        there = standing(self.kubectl, (each for each in moved if each.kind in _CHANGED_IN_PLACE), self.asked_in)
        found = check(Rehearsal(self.kubectl, self.free, self.to_come, self.is_stand_in), moved, there)
        return [replace(self._as_it_will_be(each), object=manifest) for manifest, each in zip(objects, found, strict=True)]

    def _as_it_will_be(self, answer: Checked) -> Checked:
        """Of a kind that the run itself defines before: what else the server would say to it is not known."""
        key = (str(answer.object.body.get("apiVersion")), answer.object.kind)
        is_to_come = key in self.kinds_to_come and is_unknown_kind(answer.reason or "")
        return replace(answer, action="created", reason=None) if is_to_come else answer


def _asking(kubectl: Kubectl, plan: Plan, namespace: str, stand_in: str | None) -> _Asking:
    asked_in = namespace if has_namespace(kubectl, namespace) else _stand_in(kubectl, namespace, stand_in)
    there = kubectl.in_namespace(asked_in)
    accounts = [each for step in plan.steps for each in step.objects if each.kind == "ServiceAccount"] if asked_in == namespace else []
    to_come = accounts_to_come(accounts, standing(there, accounts, namespace), namespace)
    return _Asking(
        kubectl=there,
        namespace=namespace,
        asked_in=asked_in,
        free=secrets.token_hex(4),
        to_come=to_come,
        kinds_to_come=kinds_to_come(each for step in plan.steps for each in step.objects),
    )


def _moved(each: KubeObject, namespace: str, asked_in: str) -> KubeObject:
    if each.namespace != namespace or namespace == asked_in:
        return each
    return each._replace(body={**each.body, "metadata": {**each.body["metadata"], "namespace": asked_in}})


def _stand_in(kubectl: Kubectl, namespace: str, stand_in: str | None) -> str:
    name = stand_in or DEFAULT_STAND_IN
    if not has_namespace(kubectl, name):
        raise BodyworkError(
            f"namespaces {namespace} and {name} are not there", hint="Name one that is, to ask the server in it: --dry-run-namespace NS"
        )
    return name


def _where_without_cluster(kubectl: Kubectl, plan: Plan) -> Whereabouts:
    """A client's dry run needs no cluster, so it needs no context either."""
    try:
        return whereabouts(kubectl, plan)
    except KubectlFailed:
        return Whereabouts(context="none", namespace=kubectl.target.namespace or plan.namespace or DEFAULT_STAND_IN)
