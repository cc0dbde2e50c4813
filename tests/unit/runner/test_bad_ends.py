"""What goes wrong while a run ends badly: it is told, the rest of the end follows, and the first reason stays the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fakes import (
    NAMESPACE,
    PaperCluster,
    a_deployment,
    a_failure_stage,
    a_job,
    a_plan,
    a_service_of,
    a_template,
    as_failed,
    as_good,
    as_too_slow,
    execute,
    labels_of,
)

from bodywork_compiler.errors import TimedOut
from bodywork_compiler.kubectl import Result
from bodywork_compiler.runner import run
from bodywork_compiler.runner.events import Event, Notice, ObjectChanged, RolledBack, RunEnded, StageEnded

REVISION = "deployment.kubernetes.io/revision"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
GONE_SLOWLY = "error: timed out waiting for the condition on jobs/runs"


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def end_of(told: list[Event]) -> RunEnded:
    (ended,) = [event for event in told if isinstance(event, RunEnded)]
    return ended


def errors(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, Notice) and event.level == "ERROR"]


def rolled_back(told: list[Event]) -> RolledBack:
    (found,) = [event for event in told if isinstance(event, RolledBack)]
    return found


def test_a_namespace_that_is_being_deleted_is_the_reason(cluster: PaperCluster) -> None:
    """Its pods end as if they had failed by themselves."""

    def go(manifest: dict[str, Any]) -> dict[str, Any]:
        cluster.put({**NAMESPACE, "metadata": {"name": "lab", "deletionTimestamp": "2026-01-01T00:00:00Z"}})
        return as_failed(manifest)

    cluster.on_apply = go
    _, told = execute(cluster, a_plan(a_job("train", 1)))
    assert end_of(told).reason == "train (step 1): namespace lab is being deleted: Job has reached the specified backoff limit"


@pytest.mark.parametrize("refused", ["delete job/tell", "create"])
def test_a_failure_stage_that_cannot_run_does_not_become_the_reason(cluster: PaperCluster, refused: str) -> None:
    cluster.on_apply = as_too_slow
    cluster.refusals[refused] = 'The Job "tell" is invalid: spec.template.spec.restartPolicy: Unsupported value: "Always"'
    exit_code, told = execute(cluster, a_plan(a_deployment("serve", 1), a_failure_stage("tell")))

    assert exit_code == run.EXIT_TIMED_OUT
    assert str(end_of(told).reason).startswith("serve (step 1): ")
    assert "Unsupported value" in errors(told)[0]
    assert [(event.stage, event.result) for event in told if isinstance(event, StageEnded)] == [("serve", "timed out"), ("tell", "failed")]


def test_a_failure_stage_that_is_a_stage_of_the_plan_too_has_a_row_of_its_own(cluster: PaperCluster) -> None:
    tell = a_failure_stage("tell")
    tell["metadata"]["name"] = "tell-on-failure"
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["metadata"]["name"] == "train" else as_good(manifest)
    _, told = execute(cluster, a_plan(a_job("tell", 1), a_job("train", 2), tell))
    assert [(stage.step, stage.stage, stage.result) for stage in end_of(told).stages] == [(1, "tell", "succeeded"), (2, "train", "failed")]


def test_a_job_that_does_not_go_keeps_no_service_from_going_back(cluster: PaperCluster) -> None:
    """A pod with someone's finalizer."""
    cluster.on_apply = lambda manifest: manifest if manifest["metadata"]["name"] == "runs" else as_too_slow(manifest)
    cluster.refusals["delete job/runs"] = GONE_SLOWLY
    plan = a_plan(a_deployment("serve", 1), a_service_of("serve", 1), a_job("runs", 1), a_failure_stage("tell"))
    exit_code, told = execute(cluster, plan)

    assert exit_code == run.EXIT_TIMED_OUT
    assert rolled_back(told).complete
    assert GONE_SLOWLY in errors(told)[0]
    results = {event.stage: event.result for event in told if isinstance(event, StageEnded)}
    assert (results["serve"], results["runs"]) == ("timed out", "stopped")
    assert "tell" in results, "the failure stage runs all the same"


def test_what_kubectl_did_before_it_failed_is_told(cluster: PaperCluster) -> None:
    """It deletes at once and waits then: something was changed, so this is no refusal."""
    cluster.put(as_good(a_job("train", 1)))
    cluster.says["delete job/train"] = ('job.batch "train" deleted\n', GONE_SLOWLY)
    exit_code, told = execute(cluster, a_plan(a_job("train", 1)))

    assert exit_code == run.EXIT_FAILED
    assert [event.action for event in told if isinstance(event, ObjectChanged)] == ["deleted"]


@pytest.mark.parametrize(
    ("error", "result"),
    [
        ("Error from server (Forbidden): jobs.batch is forbidden", "refused"),
        ("The connection to the server 10.0.0.1:6443 was refused - did you specify the right host or port?", "timed out"),
        ('Post "https://10.0.0.1:6443/apis/batch/v1": unexpected EOF', "timed out"),
    ],
)
def test_a_change_whose_answer_was_lost_may_have_been_made(cluster: PaperCluster, error: str, result: str) -> None:
    cluster.refusals["apply"] = error
    _, told = execute(cluster, a_plan(a_job("train", 1)), may_raise=True)
    assert end_of(told).result == result


def test_a_lost_server_ends_what_was_started_as_left(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object) -> None:
        raise TimedOut("the API server could not be asked for 300 s, what ran was left running: connection refused")

    monkeypatch.setattr("bodywork_compiler.runner.step.wait", lost)
    exit_code, told = execute(cluster, a_plan(a_job("train", 1), a_job("check", 2), a_failure_stage("tell")))

    assert exit_code == run.EXIT_TIMED_OUT
    train, check = end_of(told).stages
    assert (train.result, check.result) == ("stopped", "not started")
    assert "left running" in str(train.reason)
    assert "left running" in str(end_of(told).reason)


def that_stood(**annotations: str) -> dict[str, Any]:
    """A good service of an older image."""
    service = as_good(a_deployment("serve", 1, annotations=annotations))
    return {**service, "spec": {**service["spec"], "template": a_template(image="python:3.10")}}


def test_the_service_and_its_address_go_back_although_its_pods_do_not(cluster: PaperCluster) -> None:
    """Users are led to the old version before anybody waits for it."""
    applied = {key: value for key, value in that_stood().items() if key != "status"}
    cluster.put(that_stood(**{REVISION: "3", LAST_APPLIED: json.dumps(applied)}))
    cluster.put({**a_service_of("serve", 1), "spec": {"ports": [{"port": 80}]}})
    cluster.on_apply = as_too_slow
    cluster.refusals["rollout status"] = "error: timed out waiting for the condition"
    _, told = execute(cluster, a_plan(a_deployment("serve", 1), a_service_of("serve", 1)))

    assert [words[0] for words in cluster.ran[1:]] == ["rollout", "apply", "replace", "rollout"]
    assert cluster.objects["Service", "serve"]["spec"] == {"ports": [{"port": 80}]}
    assert (rolled_back(told).revision, rolled_back(told).complete) == (3, False)
    assert "timed out waiting" in rolled_back(told).message


def test_a_service_that_no_node_takes_goes_back_at_its_deadline(cluster: PaperCluster) -> None:
    """With the scheduler's words; earlier Bodywork left the bad revision standing then."""
    cluster.put(that_stood(**{REVISION: "3"}))
    newest = {
        "type": "Progressing",
        "status": "False",
        "reason": "ProgressDeadlineExceeded",
        "message": 'ReplicaSet "serve-1" has timed out',
    }
    words = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    owner = {"controller": True, "uid": "replica-set", "name": "serve-1"}
    metadata = {"name": "serve-1-x", "labels": labels_of("serve", 1), "ownerReferences": [owner]}
    cluster.put({"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": "Pending", "conditions": [words]}})
    cluster.on_apply = lambda manifest: {**manifest, "status": {"observedGeneration": 99, "conditions": [newest]}}
    exit_code, told = execute(cluster, a_plan(a_deployment("serve", 1)))

    assert exit_code == run.EXIT_TIMED_OUT
    assert "0/1 nodes are available" in str(end_of(told).reason)
    assert rolled_back(told).revision == 3


def test_an_undo_that_was_done_by_a_try_whose_answer_was_lost_is_done(cluster: PaperCluster) -> None:
    """Going back gives the revision another number, so the second try does not find it."""
    stood = cluster.put(that_stood(**{REVISION: "3"}))
    with_its_template = {**stood["spec"], "minReadySeconds": 1}
    cluster.on_apply = lambda manifest: {**as_too_slow(manifest), "spec": with_its_template}
    cluster.refusals["rollout undo"] = "error: unable to find specified revision 3 in history"
    _, told = execute(cluster, a_plan(a_deployment("serve", 1)))
    assert rolled_back(told).complete


def test_a_deployment_that_stood_without_a_number_was_not_removed(cluster: PaperCluster) -> None:
    cluster.put(that_stood())
    cluster.on_apply = as_too_slow
    _, told = execute(cluster, a_plan(a_deployment("serve", 1)))
    assert rolled_back(told).revision == 0
    assert ("Deployment", "serve") in cluster.objects


def test_a_plan_of_one_later_step_counts_as_its_numbers_say(cluster: PaperCluster) -> None:
    _, told = execute(cluster, a_plan(a_job("check", 2)))
    assert getattr(told[0], "step_count", None) == 2


class WithoutMonitors(PaperCluster):
    """Knows no PodMonitor: its CRD was never installed."""

    def execute(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        if "--dry-run=server" not in argv and '"kind": "PodMonitor"' in (stdin or ""):
            return Result(argv=argv, err='error: no matches for kind "PodMonitor" in version "monitoring.coreos.com/v1"', exit_code=1)
        return super().execute(argv, stdin, timeout_seconds)


def test_a_refused_object_of_a_step_without_stages_ends_the_run() -> None:
    cluster = WithoutMonitors(on_apply=as_good)
    cluster.put(NAMESPACE)
    monitor = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": {"name": "watch", "labels": {**labels_of("train", 2)}},
    }
    exit_code, told = execute(cluster, a_plan(a_job("train", 1), monitor, a_job("serve", 3), a_failure_stage("tell")))
    assert exit_code == 4
    assert 'no matches for kind "PodMonitor"' in end_of(told).reason
    assert [stage.result for stage in end_of(told).stages] == ["succeeded", "not started"]
    assert ("Job", "tell") in cluster.objects
