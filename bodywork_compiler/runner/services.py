"""Services that stand already: one whose manifest says nothing new is restarted, since its start-up code must load the newest model."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import Before, find, template_of
from bodywork_compiler.runner.observe import generation
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun


def restart_unchanged(session: Session, runs: Sequence[StageRun], before: Sequence[Before]) -> None:
    """A Deployment whose pod template is as it was is restarted: its start-up code must run again to load the newest model."""
    was = {each.name: each.object for each in before if each.kind == "Deployment" and each.object}
    services = {run.plan.name: run for run in runs if run.plan.kind == "Deployment" and run.plan.name in was}
    is_now = {name: find(session, "Deployment", name) or {} for name in services}
    unchanged = [name for name in services if template_of(is_now[name]) == template_of(was[name])]
    if unchanged:
        result = session.kubectl.run("rollout", "restart", *(f"deployment/{name}" for name in unchanged))
        tell_changes(session, runs[0].plan.step, [run.manifest for run in services.values()], result)
        is_now |= {name: find(session, "Deployment", name) or {} for name in unchanged}
    for name, run in services.items():
        run.generation = generation(is_now[name])
