"""A service goes back to what stood before the step: `rollout undo`, then the manifests from before. A first deployment is removed.

Undo alone leaves labels and fields outside the pod template; apply alone does nothing where the restart of an unchanged service failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.kubectl import KubectlFailed
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner.applying import tell_changes
from bodywork_compiler.runner.before import Before
from bodywork_compiler.runner.events import RolledBack, StagePlan
from bodywork_compiler.runner.session import Session

PROGRESS_DEADLINE_SECONDS = 600  # Kubernetes' own default
MARGIN_SECONDS = 30


def take_back(session: Session, stage: StagePlan, before: Sequence[Before]) -> RolledBack:
    """Put a stage's Deployment, Service and Ingress back, and tell how that went; a failure of it is told, not raised."""
    mine = [each for each in before if each.stage == stage.stage]
    deployment = next((each for each in mine if each.kind == "Deployment" and each.name == stage.name), None)
    began = session.clock()
    revision = deployment.revision if deployment else None
    problem = ""
    try:
        if deployment and deployment.object and revision is not None:
            _undo(session, deployment, revision)
        _put_back(session, stage.step, mine)
        _remove(session, stage.step, [each for each in mine if each.object is None])
    except KubectlFailed as failed:
        problem = failed.message
    told = RolledBack(
        stage=stage.stage, name=stage.name, revision=revision, seconds=session.clock() - began, complete=not problem, message=problem
    )
    session.tell(told)
    return told


def _undo(session: Session, deployment: Before, revision: int) -> None:
    name = f"deployment/{deployment.name}"
    session.kubectl.run("rollout", "undo", name, f"--to-revision={revision}")
    spec = (deployment.object or {}).get("spec") or {}
    seconds = int(spec.get("progressDeadlineSeconds") or PROGRESS_DEADLINE_SECONDS) + MARGIN_SECONDS
    session.kubectl.run("rollout", "status", name, f"--timeout={seconds}s", "--request-timeout=0", timeout_seconds=seconds + MARGIN_SECONDS)


def _put_back(session: Session, step: int, before: Sequence[Before]) -> None:
    applied = [KubeObject(each.last_applied) for each in before if each.last_applied]
    made_otherwise = [KubeObject(each.whole()) for each in before if each.object and not each.last_applied]
    for verb, objects in (("apply", applied), ("replace", made_otherwise)):
        if objects:
            tell_changes(session, step, objects, session.kubectl.run(verb, "-f", "-", stdin=to_json(objects)))


def _remove(session: Session, step: int, absent_before: Sequence[Before]) -> None:
    if absent_before:
        words = [f"{each.kind.lower()}/{each.name}" for each in absent_before]
        result = session.kubectl.run("delete", *words, "--ignore-not-found")
        objects = [KubeObject({"kind": each.kind, "metadata": {"name": each.name}}) for each in absent_before]
        tell_changes(session, step, objects, result)
