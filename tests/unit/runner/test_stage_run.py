"""A stage while it is waited for: which object of its name is its own."""

from __future__ import annotations

import pytest
from fakes import PaperCluster, a_deployment, a_job, a_plan, a_session, as_good, closing

from bodywork_compiler.runner import evidence
from bodywork_compiler.runner.events import StagePlan
from bodywork_compiler.runner.inbox import Listed
from bodywork_compiler.runner.stage_run import StageRun


@pytest.mark.parametrize(("kind", "state"), [("Job", "failed"), ("Deployment", "good")])
def test_a_job_that_somebody_made_in_place_of_ours_is_not_ours(kind: str, state: str) -> None:
    """A service is what its name leads to, whoever has made it anew; a Job is one piece of work."""
    manifest = a_job("train", 1) if kind == "Job" else a_deployment("train", 1)
    (step,) = a_plan(manifest).steps
    run = StageRun(plan=StagePlan(step=1, stage="train", kind=kind, name="train"), manifest=step.objects[0], address=None, began=0.0)
    with closing(a_session(PaperCluster(), a_plan(manifest))) as session:
        for uid, each in (("ours", manifest), ("theirs", as_good(manifest))):
            session.picture.listed(Listed(kind, [{**each, "metadata": {**each["metadata"], "uid": uid, "generation": 1}}]))
            run.look(session, [])
    assert run.verdict.state == state


def test_a_job_out_of_time_says_what_its_pod_waited_for_although_the_pod_is_gone() -> None:
    manifest = a_job("train", 1, activeDeadlineSeconds=8)
    (step,) = a_plan(manifest).steps
    run = StageRun(plan=StagePlan(step=1, stage="train", kind="Job", name="train"), manifest=step.objects[0], address=None, began=0.0)
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available."}
    pod = {
        "metadata": {"name": "train-x", "uid": "pod", "ownerReferences": [{"uid": "job", "controller": True}]},
        "status": {"phase": "Pending", "conditions": [unscheduled]},
    }
    too_late = {"conditions": [{"type": "Failed", "status": "True", "reason": "DeadlineExceeded"}]}
    about_it = {"type": "Warning", "reason": "FailedScheduling", "message": "0/1 nodes are available.", "involvedObject": {"uid": "pod"}}
    with closing(a_session(PaperCluster(), a_plan(manifest))) as session:
        session.picture.listed(Listed("Event", [{**about_it, "kind": "Event", "metadata": {"name": "e", "uid": "e"}}]))
        for status, pods in (({}, [pod]), (too_late, [])):
            session.picture.listed(Listed("Job", [{**manifest, "metadata": {**manifest["metadata"], "uid": "job"}, "status": status}]))
            run.look(session, pods)
        assert run.verdict.state == "timed out"
        assert run.verdict.message == "took longer than 8 s, all attempts together; waiting: 0/1 nodes are available"
        assert evidence.gather(session, run).warnings == ("FailedScheduling: 0/1 nodes are available.",)
