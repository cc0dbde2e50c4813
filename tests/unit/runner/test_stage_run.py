"""A stage while it is waited for: which object of its name is its own."""

from __future__ import annotations

import pytest
from fakes import PaperCluster, a_deployment, a_job, a_plan, a_session, as_good, closing

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
