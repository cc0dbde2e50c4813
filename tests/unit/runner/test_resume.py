"""`apply --resume`: what a run that was cut off has finished is not run again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fakes import (
    HERE,
    NAMESPACE,
    PaperCluster,
    a_deployment,
    a_job,
    a_plan,
    a_service_of,
    a_session,
    a_template,
    as_failed,
    as_good,
    as_too_slow,
    closing,
    execute,
    labels_of,
)

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import Plan
from bodywork_compiler.run_options import DEFAULT_RUN, RunOptions
from bodywork_compiler.runner import resume, run
from bodywork_compiler.runner.events import Event, Notice, ObjectChanged, RolledBack, RunEnded, StageEnded, StepStarted

REVISION = "deployment.kubernetes.io/revision"
AGAIN = RunOptions(resume=True, break_lock=True)  # the run that was cut off was this very process, which lives
PLAN = a_plan(a_job("train", 1), a_deployment("serve", 2), a_service_of("serve", 2), a_job("score", 3), a_job("check", 3), a_job("tell", 4))


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def cut_off(cluster: PaperCluster, plan: Plan, when: Callable[[Event], bool], options: RunOptions = DEFAULT_RUN) -> None:
    """A run that is no more from the event on for which `when` says so; kubectl has done what it was told before."""
    with closing(a_session(cluster, plan, [], options)) as session:

        def tell(event: Event) -> None:
            if when(event):
                raise KeyboardInterrupt

        session.tell = tell
        with pytest.raises(KeyboardInterrupt):
            run.execute(session, run.about_to_start(plan, HERE))
    cluster.ran.clear()
    cluster.stdins.clear()


def applied(cluster: PaperCluster) -> list[list[str]]:
    return [
        [each["metadata"]["name"] for each in json.loads(stdin)["items"]]
        for words, stdin in zip(cluster.ran, cluster.stdins, strict=True)
        if words[0] == "apply"
    ]


def results(told: list[Event]) -> dict[str, str]:
    ended = told[-1]
    assert isinstance(ended, RunEnded)
    return {each.stage: each.result for each in ended.stages}


def step(number: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, StepStarted) and event.step == number


def has_made(name: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, ObjectChanged) and event.name == name and event.action == "created"


def as_going_on(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda manifest: manifest if manifest["metadata"]["name"] in names else as_good(manifest)


def put_replica_set(cluster: PaperCluster, template: Any, **annotations: str) -> None:
    """As the Deployment's controller made it."""
    owner = {"kind": "Deployment", "name": "serve", "uid": cluster.objects["Deployment", "serve"]["metadata"]["uid"], "controller": True}
    pods = json.loads(json.dumps(template))
    if "metadata" in pods:
        pods["metadata"]["labels"]["pod-template-hash"] = "5f"
    named = {"name": "serve-5f", "ownerReferences": [owner], "annotations": annotations, "labels": labels_of("serve", 2)}
    cluster.put({"kind": "ReplicaSet", "metadata": named, "spec": {"template": pods}})


def test_what_is_finished_is_not_run_again(cluster: PaperCluster) -> None:
    cut_off(cluster, PLAN, step(4))
    exit_code, told = execute(cluster, PLAN, options=AGAIN)

    assert exit_code == 0
    assert cluster.ran == [("apply", "-f", "-")]
    assert applied(cluster) == [["tell"]]
    assert results(told) == {"train": "skipped", "serve": "skipped", "score": "skipped", "check": "skipped", "tell": "succeeded"}
    assert {each.reason for each in told if isinstance(each, StageEnded) and each.result == "skipped"} == {resume.FINISHED}


def test_running_jobs_are_adopted_and_failed_ones_made_anew(cluster: PaperCluster) -> None:
    cluster.on_apply = as_going_on("score", "check")
    cut_off(cluster, PLAN, has_made("check"))
    cluster.put(as_failed(a_job("check", 3)))
    cluster.on_apply = as_good
    told: list[Event] = []
    with closing(a_session(cluster, PLAN, told, AGAIN)) as session:
        tell = session.tell

        def until_it_has_begun(event: Event) -> None:
            tell(event)
            if has_made("check")(event):
                cluster.put(as_good(a_job("score", 3)))

        session.tell = until_it_has_begun
        assert run.execute(session, run.about_to_start(PLAN, HERE)) == 0

    assert [words[:2] for words in cluster.ran if words[0] == "delete"] == [("delete", "job/check")]
    assert applied(cluster) == [["check"], ["tell"]]
    assert results(told)["score"] == "succeeded"
    assert any("score runs on" in each.message for each in told if isinstance(each, Notice))


def test_a_service_that_was_changed_is_not_restarted_and_one_that_was_not_is(cluster: PaperCluster) -> None:
    """It was cut off between the apply of an unchanged service and its restart; then after both."""
    plan = a_plan(a_job("train", 1), a_deployment("serve", 2))
    cluster.put(as_good(a_deployment("serve", 2, annotations={REVISION: "1"})))
    put_replica_set(cluster, a_template(), **{REVISION: "1"})
    cut_off(cluster, plan, has_made("serve"))
    execute(cluster, plan, options=AGAIN)
    assert cluster.ran == [("apply", "-f", "-"), ("rollout", "restart", "deployment/serve")]

    changed = a_deployment("serve", 2)
    changed["spec"]["template"] = a_template(image="python:3.12")
    plan = a_plan(a_job("train", 1), changed)
    cluster.put(as_good(a_deployment("serve", 2, annotations={REVISION: "1"})))
    cut_off(cluster, plan, has_made("serve"))
    execute(cluster, plan, options=AGAIN)
    assert cluster.ran == [("apply", "-f", "-")]


def test_the_way_back_is_the_one_from_before_the_run_that_was_cut_off(cluster: PaperCluster) -> None:
    plan = a_plan(a_job("train", 1), a_deployment("serve", 2))
    stood = as_good(a_deployment("serve", 2, annotations={REVISION: "3"}))
    cluster.put({**stood, "spec": {**stood["spec"], "template": a_template(image="python:3.10")}})
    cluster.on_apply = as_going_on("serve")
    cut_off(cluster, plan, has_made("serve"))
    cluster.put({**a_deployment("serve", 2, annotations={REVISION: "4"}), "status": {}})
    put_replica_set(cluster, a_template(image="python:3.10"), **{REVISION: "3"})
    cluster.on_apply = as_too_slow
    exit_code, told = execute(cluster, plan, options=AGAIN)

    assert exit_code in {run.EXIT_FAILED, run.EXIT_TIMED_OUT}
    assert [each.revision for each in told if isinstance(each, RolledBack)] == [3]
    assert ("rollout", "undo", "deployment/serve", "--to-revision=3") in cluster.ran
    assert ("ConfigMap", "bodywork-iris-before") in cluster.objects, "it was written down"
    assert cluster.records[-1][0][:2] == ("delete", "configmap/bodywork-iris-before"), "and is removed at the end"


def test_jobs_of_the_run_before_are_no_finished_ones(cluster: PaperCluster) -> None:
    """It was cut off before it had removed them."""
    cluster.put(as_good(a_job("train", 1)))
    cluster.refusals["delete job/"] = "error: nobody knows"
    cut_off(cluster, PLAN, lambda event: isinstance(event, Notice) and "of an earlier run" in event.message)
    cluster.refusals.clear()
    _, told = execute(cluster, PLAN, options=AGAIN)
    assert results(told)["train"] == "succeeded"
    assert cluster.ran[0][:2] == ("delete", "job/train")


def test_a_changed_plan_is_refused_with_what_changed(cluster: PaperCluster) -> None:
    cut_off(cluster, PLAN, step(3))
    before = cluster.objects["Lease", "bodywork-iris"]
    others = a_plan(
        a_job("train", 1), a_deployment("serve", 2), a_service_of("serve", 2), a_job("score", 3, backoffLimit=1), a_job("new", 4)
    )
    with pytest.raises(BodyworkError, match="check, new, score, tell: changed since") as refused:
        execute(cluster, others, options=AGAIN)
    assert "without --resume" in (refused.value.hint or "")
    assert cluster.ran == []
    assert cluster.objects["Lease", "bodywork-iris"] == before


def test_there_must_be_something_to_resume(cluster: PaperCluster) -> None:
    with pytest.raises(BodyworkError, match="nothing is known of a run of iris in namespace lab"):
        execute(cluster, PLAN, options=AGAIN)
    execute(cluster, PLAN)
    with pytest.raises(BodyworkError, match="has ended: succeeded") as refused:
        execute(cluster, PLAN, options=AGAIN)
    assert "--from-step N" in (refused.value.hint or "")


def test_a_part_is_resumed_as_that_part(cluster: PaperCluster) -> None:
    cut_off(cluster, PLAN, step(4), RunOptions(only=("train", "tell")))
    _, told = execute(cluster, PLAN, options=AGAIN)
    assert applied(cluster) == [["tell"]]
    assert {each.stage: each.reason for each in told if isinstance(each, StageEnded)} == {
        "train": resume.FINISHED,
        "serve": "--only",
        "score": "--only",
        "check": "--only",
        "tell": None,
    }


def test_a_run_from_a_step_on_leaves_the_jobs_of_the_steps_before(cluster: PaperCluster) -> None:
    execute(cluster, PLAN)
    cluster.ran.clear()
    cluster.stdins.clear()
    exit_code, told = execute(cluster, PLAN, options=RunOptions(from_step=3))

    assert exit_code == 0
    assert results(told) == {"train": "skipped", "serve": "skipped", "score": "succeeded", "check": "succeeded", "tell": "succeeded"}
    assert set(cluster.ran[0][1:4]) == {"job/score", "job/check", "job/tell"}
    assert applied(cluster) == [["score", "check"], ["tell"]]


def test_digests_are_of_stages_and_of_what_they_say_alone() -> None:
    one, other = resume.digests(PLAN), resume.digests(PLAN)
    assert one == other
    assert resume.digest_of(one) == resume.digest_of(other)
    assert set(one) == {"train", "serve", "score", "check", "tell"}
