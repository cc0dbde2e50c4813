"""Taking over what stands under our names, on `--adopt`, while its users are served without a break; services that are restarted.

A Deployment's selector cannot be changed. So the old one is deleted without its pods, which go on answering; ours comes up beside them; the Service
is led over when ours is good; and after a good run the pods left behind go. A run that fails leaves them serving.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import Object
from bodywork_compiler.kubectl import KubectlFailed
from bodywork_compiler.manifests import KubeObject, PlanStep, to_json
from bodywork_compiler.runner import applying
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import LAST_APPLIED, Before, find, template_of
from bodywork_compiler.runner.owners import Stranger, outlines
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.verdicts.values import Verdict
from bodywork_compiler.runner.watching import annotation, generation, label, name, uid


def restart_unchanged(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> None:
    """A Deployment whose pod template is as it was is restarted: its start-up code must run again to load the newest model."""
    was = {each.name: each.object for each in before if each.kind == "Deployment" and each.object}
    services = {run.plan.name: run for run in runs if run.plan.kind == "Deployment" and run.plan.name in was}
    is_now = {each: find(session, "Deployment", each) or {} for each in services}
    unchanged = [each for each in services if template_of(is_now[each]) == template_of(was[each])]
    if unchanged:
        result = session.kubectl.run("rollout", "restart", *(f"deployment/{each}" for each in unchanged))
        tell_changes(session, runs[0].plan.step, [run.manifest for run in services.values()], result)
        is_now |= {each: find(session, "Deployment", each) or {} for each in unchanged}
    for deployment, run in services.items():
        run.generation = generation(is_now[deployment])


LEADING = ("Service", "Ingress")
SPREAD_SECONDS = 15.0  # until every node, a busy one too, sends requests to the new pods: the ancestor's do not pause before they end


def make_room(session: Session, step: PlanStep) -> None:
    """Before the step is applied: Jobs of others under our names go, Deployments go without their pods."""
    names = {(each.kind, each.name) for each in step.objects}
    mine = [each for each in session.adopted if (each.kind, each.name) in names]
    former = [each for each in mine if each.kind == "Job"]
    if former:
        applying.delete(session, step.number, [each.name for each in former])
        session.picture.forget(uid(each.object) for each in former)
    _orphan(session, step.number, [each for each in mine if each.has_other_selector])


def at_once(session: Session, step: PlanStep) -> Sequence[KubeObject]:
    """The step's objects without those that lead requests to pods which are still to be replaced."""
    later = _led_over_later(session, step)
    return [each for each in step.objects if each not in later]


def lead_over(session: Session, step: PlanStep, runs: Iterable[StageRun]) -> None:
    """When the new pods are good: their Services and Ingresses lead to them. What kubectl refuses fails the stages."""
    if session.interrupted.is_set():  # all of the step goes back
        return
    later = _led_over_later(session, step)
    good = {run.stage: run for run in runs if run.result == "available"}
    ready = [each for each in later if each.stage in good]
    try:
        _lead(session, step.number, ready)
    except KubectlFailed as refused:
        if refused.hands_off:
            raise
        for stage in {str(each.stage) for each in ready}:
            good[stage].verdict, good[stage].result = Verdict(state="failed", message=refused.message), None
    for each in later:
        if each not in ready:
            session.notice(f"{each.kind.lower()}={each.name} still leads to the pods that were there before", "WARNING", where="run.step")


def left_behind(session: Session) -> list[Object]:
    """ReplicaSets whose Deployment was taken over, of this run or an earlier one, and to whose pods no Service leads any more."""
    found = outlines(session, "ReplicaSet", f"{labels.TAKEN_OVER}={session.plan.pipeline}")
    if not found:
        return []
    services = session.ask(lambda: session.api.list("Service", {}))[0]
    whole = [find(session, "ReplicaSet", name(each)) for each in found if not each["metadata"].get("ownerReferences")]
    return [each for each in whole if each and not any(_leads_to(service, each) for service in services)]


def wait_until_led_over(session: Session) -> None:
    while session.led_over_at is not None and not session.interrupted.is_set() and session.clock() - session.led_over_at < SPREAD_SECONDS:
        session.pump(SPREAD_SECONDS)


def _orphan(session: Session, step: int, deployments: Sequence[Stranger]) -> None:
    """Their ReplicaSets are marked first: who is killed in between finds them again."""
    if not deployments:
        return
    owners = {uid(each.object) for each in deployments}
    stand = session.ask(lambda: session.api.outlines("ReplicaSet", {}))
    replica_sets = [name(each) for each in stand if _owner(each) in owners]
    if replica_sets:
        session.kubectl.run(
            "label", *(f"replicaset/{each}" for each in replica_sets), f"{labels.TAKEN_OVER}={session.plan.pipeline}", "--overwrite"
        )
        session.changed = True
    names = [each.name for each in deployments]
    result = session.kubectl.try_("delete", *(f"deployment/{each}" for each in names), "--cascade=orphan", "--ignore-not-found")
    applying.tell_changes(session, step, [KubeObject({"kind": "Deployment", "metadata": {"name": each}}) for each in names], result)
    applying.check(result)
    session.picture.forget(owners)


def _led_over_later(session: Session, step: PlanStep) -> list[KubeObject]:
    strangers = {(each.kind, each.name) for each in session.adopted}
    stages = {each.stage for each in session.adopted if each.has_other_selector}
    leading = [each for each in step.objects if each.kind in LEADING]
    return [each for each in leading if (each.kind, each.name) in strangers or each.stage in stages]


def _lead(session: Session, step: int, objects: Sequence[KubeObject]) -> None:
    """What apply did not make is replaced: apply would leave the old selector's labels beside ours, and lead nowhere."""
    stand = {(each.kind, each.name): find(session, each.kind, each.name) for each in objects}
    whole = [each for each in objects if (found := stand[each.kind, each.name]) and not annotation(found, LAST_APPLIED)]
    if whole:
        result = session.kubectl.try_("replace", "--save-config", "-f", "-", stdin=to_json(whole))
        applying.tell_changes(session, step, whole, result)
        applying.check(result)
    applying.apply(session, step, [each for each in objects if each not in whole])
    if objects:
        session.led_over_at = session.clock()


def _leads_to(service: Object, replica_set: Object) -> bool:
    selector: Mapping[str, str] = (service.get("spec") or {}).get("selector") or {}
    template: Mapping[str, Any] = (replica_set.get("spec") or {}).get("template") or {}
    return bool(selector) and all(label(template, key) == value for key, value in selector.items())


def _owner(obj: Object) -> str | None:
    owners = obj["metadata"].get("ownerReferences") or ()
    return next((str(each["uid"]) for each in owners if each.get("controller")), None)
