"""How a pipeline stands, from its objects alone."""

from __future__ import annotations

import io
from datetime import datetime, timezone

import pytest
from deployed_objects import (
    COMMIT,
    IRIS,
    a_config_map,
    a_deployment,
    a_failure_stage,
    a_job,
    a_pod,
)

from bodywork_compiler.api import Object
from bodywork_compiler.deployed.reading import Deployed
from bodywork_compiler.deployed.status import LastRun, PipelineStatus, status_of
from bodywork_compiler.report.output import Output, age_in_words
from bodywork_compiler.report.tables import show_status

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=timezone.utc)


def status(*objects: Object, pods: tuple[Object, ...] = ()) -> PipelineStatus:
    return status_of(Deployed(pipeline="iris", namespace="lab", objects=objects), pods)


def shown(of: PipelineStatus) -> list[str]:
    stream = io.StringIO()
    show_status(of, "kind-dev", Output(stream, environ={}), NOW)
    return stream.getvalue().splitlines()


def test_stages_are_in_the_order_of_their_steps_and_the_failure_stage_is_last() -> None:
    found = status(a_failure_stage(), a_deployment(step=10), a_job("train", 2))
    assert [(each.stage, each.step) for each in found.stages] == [("train", 2), ("serve", 10), ("mend", None)]


def test_a_failure_stage_that_nothing_called_is_neither_running_nor_a_run() -> None:
    found = status(a_failure_stage())
    assert found.stages[0].state == "waits for a failure"
    assert found.last_run is None
    assert "  on failure  mend   Job   waits for a failure  3f2a9c1  2 h" in shown(found)
    assert shown(found)[-1] == "last run: not known, since no Job has run"


@pytest.mark.parametrize(
    ("stage", "state"),
    [
        (a_job(), "succeeded"),
        (a_job(failed=True), "failed"),
        (a_job(ended=None), "running"),
        (a_deployment(), "available"),
        (a_deployment(ready=1), "not available"),
        (a_deployment(ready=0, wanted=0), "available"),
    ],
    ids=["complete", "failed", "runs", "all ready", "one of two ready", "scaled to none"],
)
def test_the_state_of_a_stage(stage: Object, state: str) -> None:
    assert status(stage).stages[0].state == state


def test_what_is_being_deleted_is_told_whatever_else_it_is() -> None:
    deployment = a_deployment()
    deployment["metadata"]["deletionTimestamp"] = "2026-11-21T11:59:59Z"
    assert status(deployment).stages[0].state == "being deleted"


def test_why_a_service_is_not_available_stands_below_it() -> None:
    crashing = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 7}}, "restartCount": 2}
    deployment = a_deployment(ready=1)
    found = status(deployment, pods=(a_pod("serve-1", "serve", stage=crashing),))
    lines = shown(found)
    assert found.stages[0].message
    assert found.stages[0].message in "\n".join(lines)


def test_a_service_without_replicas_in_its_spec_wants_one() -> None:
    deployment = a_deployment(ready=1, wanted=1)
    del deployment["spec"]["replicas"]
    assert (status(deployment).stages[0].ready, status(deployment).stages[0].wanted) == (1, 1)


def test_the_facts_are_those_of_the_pipelines_config_map_whatever_its_name_is() -> None:
    found = status(a_config_map("prefix-bodywork-iris"))
    assert (found.git_commit, found.git_branch) == (COMMIT, "main")


def test_the_last_run_is_not_that_of_a_later_step_which_an_earlier_run_reached() -> None:
    first = a_job("train", 1, began="2026-11-21T11:00:00Z", ended="2026-11-21T11:00:10Z", failed=True)
    older = a_job("evaluate", 2, began="2026-11-20T11:00:00Z", ended="2026-11-20T11:00:10Z")
    expected = LastRun(started="2026-11-21T11:00:00Z", ended="2026-11-21T11:00:10Z", result="failed", is_of_jobs=True)
    assert status(first, older).last_run == expected


def test_a_run_is_over_when_its_rows_say_so_a_second_before_its_jobs_do() -> None:
    job = a_job("train", 1, ended=None)
    pod = {
        "metadata": {"name": "train-x", "uid": "pod-1", "ownerReferences": [{"controller": True, "uid": job["metadata"].get("uid")}]},
        "status": {"phase": "Succeeded"},
    }
    found = status(job, pods=(pod,))
    assert found.stages[0].state == "succeeded"
    assert shown(found)[-1] == "last run: began 2 h ago, its Jobs succeeded"


def test_a_run_goes_on_while_one_of_its_jobs_does() -> None:
    found = status(a_job("train", 1), a_job("evaluate", 2, began="2026-11-21T11:30:00Z", ended=None))
    assert found.last_run == LastRun(started="2026-11-21T10:00:00Z", ended=None, result="running", is_of_jobs=True)
    assert shown(found)[-1] == "last run: began 2 h ago, its Jobs are running"


def test_80_columns_suffice_and_a_long_name_is_whole() -> None:
    name = "a-stage-whose-name-is-as-long-as-kubernetes-lets-it-be-" + "x" * 8
    lines = shown(status(*IRIS, a_deployment(name)))
    assert all(len(line) <= 80 for line in lines if name not in line)
    assert any(name in line for line in lines)


def test_what_the_cluster_says_moves_no_cursor() -> None:
    job = a_job(failed=True)
    job["status"]["conditions"][0]["message"] = "\x1b[2Jgone"
    assert "\x1b" not in "\n".join(shown(status(job)))


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (172799, "47 h"), (1e6, "11 d")]
)
def test_ages(seconds: float, words: str) -> None:
    assert age_in_words(seconds) == words
