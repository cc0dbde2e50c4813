"""The stage that runs when the workflow has failed. Its Job is rendered suspended, so that plain kubectl never runs it; here it is made anew, unsuspended."""

from __future__ import annotations

import copy
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import evidence, jobs
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.events import StagePlan, StepStarted
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.step import wait

VARIABLE = "EXCEPTION_MESSAGE"
MOST_BYTES = 4096


def run_failure_stage(session: Session, reason: str) -> None:
    """Run it to its end. Whatever becomes of it, the run's result stays what it was."""
    job = session.plan.on_failure
    if job is None:
        return
    step = len([each for each in session.plan.steps if each.number != labels.STEP_SETUP]) + 1
    plan = StagePlan(step=step, stage=job.stage or job.name, kind="Job", name=job.name)
    session.tell(StepStarted(step=step, stages=(plan.stage,)))
    jobs.delete(session, step, [job.name])
    manifest = KubeObject(with_reason(job.body, reason))
    tell_changes(session, step, [manifest], session.kubectl.run("create", "-f", "-", stdin=to_json([manifest])))
    run = StageRun(plan=plan, manifest=manifest, address=None, began=session.clock())
    wait(session, [run])
    if run.result:
        return
    if session.interrupted.is_set():
        jobs.delete(session, step, [job.name])
        run.end(session, "stopped", "interrupted")
    else:
        evidence.gather(session, run)
        run.end(session, "timed out" if run.verdict.state == "timed out" else "failed", run.verdict.message)


def with_reason(job: Any, reason: str) -> dict[str, Any]:
    """The Job, running, with the reason in its stage's environment: at most 4 KiB, and never log lines."""
    body: dict[str, Any] = copy.deepcopy(dict(job))
    body["spec"]["suspend"] = False
    for container in body["spec"]["template"]["spec"]["containers"]:
        others = [each for each in container.get("env") or () if each.get("name") != VARIABLE]
        container["env"] = [*others, {"name": VARIABLE, "value": _value(reason)}]
    return body


def _value(reason: str) -> str:
    """Cut between characters; each $ is doubled, since Kubernetes would expand $(NAME)."""
    cut = reason.encode()[:MOST_BYTES].decode(errors="ignore")
    return cut.replace("$", "$$")
