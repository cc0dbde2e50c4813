"""The order of a run's phases, the exact kubectl lines of each, and how a run ends."""

from __future__ import annotations

import json

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
    closing,
    execute,
    made,
)

from bodywork_compiler.errors import EXIT_INTERRUPTED, BodyworkError
from bodywork_compiler.runner import run
from bodywork_compiler.runner.events import Event, Evidence, Notice, ObjectChanged, RolledBack, RunEnded, StageEnded


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def test_a_good_run_is_one_apply_a_step(cluster: PaperCluster) -> None:
    settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bodywork-iris", "labels": {"bodywork/pipeline": "iris"}}}
    plan = a_plan(settings, a_job("train", 1), a_job("check", 1), a_deployment("serve", 2), a_service_of("serve", 2))
    exit_code, told = execute(cluster, plan)

    assert exit_code == 0
    assert cluster.ran == [("apply", "-f", "-")] * 3
    applied = [[each["metadata"]["name"] for each in json.loads(stdin)["items"]] for stdin in cluster.stdins]
    assert applied == [["bodywork-iris"], ["train", "check"], ["serve", "serve"]]
    ended = told[-1]
    assert isinstance(ended, RunEnded)
    assert [(stage.stage, stage.result, stage.address) for stage in ended.stages] == [
        ("train", "succeeded", None),
        ("check", "succeeded", None),
        ("serve", "available", "http://serve.lab.svc.cluster.local:5000"),
    ]


def test_jobs_of_an_earlier_run_go_first_and_in_one_call(cluster: PaperCluster) -> None:
    for stage in ("train", "no-longer-in-the-plan"):
        cluster.put(made(as_good(a_job(stage, 1))))
    execute(cluster, a_plan(a_job("train", 1)))

    delete, apply = cluster.ran
    assert set(delete[:3]) == {"delete", "job/train", "job/no-longer-in-the-plan"}
    assert {"--cascade=foreground", "--ignore-not-found"} <= set(delete)
    assert apply == ("apply", "-f", "-")


def test_a_job_of_an_earlier_run_is_never_taken_for_this_ones(cluster: PaperCluster) -> None:
    """Its last words may come after ours was made; it had succeeded, ours has failed."""
    former = cluster.put(as_good(a_job("train", 1)))
    cluster.on_apply = lambda manifest: (cluster._tell("MODIFIED", former), as_failed(manifest))[1]
    exit_code, _ = execute(cluster, a_plan(a_job("train", 1)))

    assert exit_code == run.EXIT_FAILED


def test_a_namespace_is_created_when_absent_and_marked() -> None:
    cluster = PaperCluster(on_apply=as_good)
    execute(cluster, a_plan(a_job("train", 1)))

    create, annotate, apply = cluster.ran
    assert create == ("create", "--save-config", "-f", "-")
    assert annotate[:2] == ("annotate", "namespace/lab")
    assert annotate[2].startswith("bodywork/created-by=")
    assert apply[0] == "apply"


def test_a_namespace_that_is_going_is_refused_before_anything_is_changed(cluster: PaperCluster) -> None:
    cluster.put({"kind": "Namespace", "metadata": {"name": "lab", "deletionTimestamp": "2026-11-21T10:00:00Z"}})
    with pytest.raises(BodyworkError, match="is being deleted"):
        execute(cluster, a_plan(a_job("train", 1)))
    assert cluster.ran == []


def test_a_failed_stage_stops_the_run_with_its_evidence(cluster: PaperCluster) -> None:
    cluster.on_apply = as_failed
    exit_code, told = execute(cluster, a_plan(a_job("train", 1), a_job("check", 2)))

    assert exit_code == run.EXIT_FAILED
    kinds = [type(event) for event in told]
    assert kinds.index(Evidence) < kinds.index(StageEnded) < kinds.index(RunEnded)
    ended = told[-1]
    assert isinstance(ended, RunEnded)
    assert [stage.result for stage in ended.stages] == ["failed", "not started"]


def test_others_of_a_failed_step_are_deleted_and_reported_stopped(cluster: PaperCluster) -> None:
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["metadata"]["name"] == "fails" else manifest
    exit_code, told = execute(cluster, a_plan(a_job("fails", 1), a_job("runs", 1)))

    assert exit_code == run.EXIT_FAILED
    assert {event.stage: event.result for event in told if isinstance(event, StageEnded)} == {"fails": "failed", "runs": "stopped"}
    assert cluster.ran[-1][:2] == ("delete", "job/runs")


def test_the_failure_stage_is_made_anew_unsuspended_with_the_reason(cluster: PaperCluster) -> None:
    on_failure = a_job("tell", 0, suspend=True)
    on_failure["metadata"]["labels"] = {"bodywork/pipeline": "iris", "bodywork/stage": "tell", "bodywork/role": "on-failure"}
    on_failure["spec"]["template"] = a_template(env=[{"name": "EXCEPTION_MESSAGE", "value": ""}, {"name": "OTHER", "value": "1"}])
    cluster.on_apply = lambda manifest: as_good(manifest) if manifest["metadata"]["name"] == "tell" else as_failed(manifest)
    exit_code, told = execute(cluster, a_plan(a_job("train", 1), on_failure))

    assert exit_code == run.EXIT_FAILED
    assert [words[:3] for words in cluster.ran[-2:]] == [("delete", "job/tell", "--cascade=foreground"), ("create", "-f", "-")]
    (made,) = json.loads(cluster.stdins[-1])["items"]
    assert made["spec"]["suspend"] is False
    env = {each["name"]: each["value"] for each in made["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["OTHER"] == "1"
    assert env["EXCEPTION_MESSAGE"].startswith("train (step 1): ")
    assert isinstance(told[-1], RunEnded)


def test_refused_before_the_first_change_is_no_run(cluster: PaperCluster) -> None:
    cluster.refusals["apply"] = 'Error from server (Forbidden): jobs.batch is forbidden: User "me" cannot create'
    with pytest.raises(BodyworkError, match="forbidden"):
        execute(cluster, a_plan(a_job("train", 1)))
    exit_code, told = execute(cluster, a_plan(a_job("train", 1)), may_raise=True)
    assert exit_code == run.EXIT_REFUSED
    ended = told[-1]
    assert isinstance(ended, RunEnded), "who reads the events hears of an end"
    assert (ended.result, ended.exit_code) == ("refused", run.EXIT_REFUSED)


def test_a_service_with_the_same_template_is_restarted(cluster: PaperCluster) -> None:
    cluster.put(as_good(a_deployment("serve", 1)))
    exit_code, _ = execute(cluster, a_plan(a_deployment("serve", 1)))

    assert exit_code == 0
    assert cluster.ran == [("apply", "-f", "-"), ("rollout", "restart", "deployment/serve")]


def test_a_service_with_another_template_is_not_restarted(cluster: PaperCluster) -> None:
    former = as_good(a_deployment("serve", 1))
    cluster.put({**former, "spec": {**former["spec"], "template": a_template(image="python:3.10")}})
    execute(cluster, a_plan(a_deployment("serve", 1)))

    assert cluster.ran == [("apply", "-f", "-")]


def test_a_service_goes_back_by_revision_then_by_its_former_manifests(cluster: PaperCluster) -> None:
    former = a_deployment("serve", 1, annotations={})
    former["spec"]["template"] = a_template(image="python:3.10")
    annotations = {"deployment.kubernetes.io/revision": "10", "kubectl.kubernetes.io/last-applied-configuration": json.dumps(former)}
    stood = as_good(a_deployment("serve", 1, annotations=annotations))
    cluster.put({**stood, "spec": {**stood["spec"], "template": a_template(image="python:3.10")}})
    failed = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    cluster.on_apply = lambda manifest: {**manifest, "status": {"observedGeneration": 99, "conditions": [failed]}}
    exit_code, told = execute(cluster, a_plan(a_deployment("serve", 1), a_service_of("serve", 1)))

    assert exit_code == run.EXIT_TIMED_OUT
    undo, apply, delete, status = cluster.ran[1:]
    assert undo == ("rollout", "undo", "deployment/serve", "--to-revision=10")
    assert status[:3] == ("rollout", "status", "deployment/serve")
    assert apply == ("apply", "-f", "-")
    assert json.loads(cluster.stdins[2])["items"] == [former]
    assert delete == ("delete", "service/serve", "--ignore-not-found"), "this run's Service was new"
    (rolled_back,) = [event for event in told if isinstance(event, RolledBack)]
    assert (rolled_back.revision, rolled_back.complete) == (10, True)


def test_a_rollback_that_fails_is_told_and_not_raised(cluster: PaperCluster) -> None:
    cluster.put(as_good(a_deployment("serve", 1, annotations={"deployment.kubernetes.io/revision": "3"})))
    failed = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    cluster.on_apply = lambda manifest: {**manifest, "status": {"observedGeneration": 99, "conditions": [failed]}}
    cluster.refusals["rollout"] = "error: unable to find specified revision 3 in history"
    exit_code, told = execute(cluster, a_plan(a_deployment("serve", 1), a_job("train", 1)))

    assert exit_code == run.EXIT_FAILED
    (rolled_back,) = [event for event in told if isinstance(event, RolledBack)]
    assert not rolled_back.complete
    assert "unable to find specified revision 3" in rolled_back.message


def test_secrets_and_large_config_maps_are_never_applied(cluster: PaperCluster) -> None:
    """apply would copy the secret into an annotation, and ends at 256 KiB."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "aws"}, "stringData": {"key": "hidden"}}
    large = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "source"}, "data": {"tar": "x" * 300_000}}
    small = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {}}
    execute(cluster, a_plan(secret, large, small, a_job("train", 1)))

    by_verb = [
        (words[0], [each["metadata"]["name"] for each in json.loads(stdin)["items"]])
        for words, stdin in zip(cluster.ran, cluster.stdins, strict=True)
    ]
    assert by_verb == [("create", ["aws"]), ("create", ["source"]), ("apply", ["settings"]), ("apply", ["train"])]


def test_what_kubectl_did_is_told(cluster: PaperCluster) -> None:
    _, told = execute(cluster, a_plan(a_job("train", 1)))
    assert [event for event in told if isinstance(event, ObjectChanged)] == [
        ObjectChanged(step=1, stage="train", kind="Job", name="train", namespace="lab", action="created")
    ]


def test_a_second_interrupt_says_where_to_see_what_it_left(cluster: PaperCluster) -> None:
    def pressed_again(manifest: object) -> dict[str, object]:
        raise KeyboardInterrupt

    cluster.on_apply = pressed_again
    told: list[Event] = []
    plan = a_plan(a_job("train", 1))
    with closing(a_session(cluster, plan, told)) as session, pytest.raises(KeyboardInterrupt):
        run.execute(session, run.about_to_start(plan, HERE))
    notice, ended = told[-2:]
    assert isinstance(notice, Notice)
    assert "kubectl get jobs,deployments,pods --selector=bodywork/pipeline=iris --namespace=lab" in notice.message
    assert isinstance(ended, RunEnded)
    assert (ended.result, ended.exit_code) == ("interrupted", EXIT_INTERRUPTED)
