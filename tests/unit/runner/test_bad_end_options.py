"""What a run does when its time is over or a signal came, and what the options change about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fakes import (
    HERE,
    NAMESPACE,
    PaperCluster,
    a_deployment,
    a_failure_stage,
    a_job,
    a_plan,
    a_service_of,
    a_session,
    a_template,
    as_failed,
    as_good,
    closing,
    execute,
)

from bodywork_compiler.errors import EXIT_INTERRUPTED, TimedOut
from bodywork_compiler.manifests import Plan
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import failure_stage, run, secrets
from bodywork_compiler.runner.events import Event, Evidence, Notice, RolledBack, RunEnded, StageEnded, StageProgress, StepStarted
from bodywork_compiler.runner.session import Session

REVISION = "deployment.kubernetes.io/revision"


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def runs_on(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What is applied is good at once, but for these."""
    return lambda manifest: manifest if manifest["metadata"]["name"] in names else as_good(manifest)


def a_service_that_stood(name: str) -> dict[str, Any]:
    stood = as_good(a_deployment(name, 1, annotations={REVISION: "3"}))
    return {**stood, "spec": {**stood["spec"], "template": a_template(image="python:3.10")}}


def executed(cluster: PaperCluster, plan: Plan, when: Callable[[Session, Event], None], **options: Any) -> tuple[int, list[Event]]:
    """A run during which `when` sees each event that is told."""
    told: list[Event] = []
    with closing(a_session(cluster, plan, told, RunOptions(**options))) as session:
        tell = session.tell

        def seen(event: Event) -> None:
            tell(event)
            when(session, event)

        session.tell = seen
        return run.execute(session, run.about_to_start(plan, HERE)), told


def interrupt_at(step: int) -> Callable[[Session, Event], None]:
    def when(session: Session, event: Event) -> None:
        if isinstance(event, StepStarted) and event.step == step:
            session.interrupted.set()

    return when


def out_of_time_in_step_1(session: Session, event: Event) -> None:
    """A minute passes."""
    if isinstance(event, StageProgress) and event.stage == "train":
        session.began -= 61


def results(told: list[Event]) -> dict[str, str]:
    return {event.stage: event.result for event in told if isinstance(event, StageEnded)}


def notices(told: list[Event]) -> str:
    return "\n".join(event.message for event in told if isinstance(event, Notice))


def end_of(told: list[Event]) -> RunEnded:
    (ended,) = [event for event in told if isinstance(event, RunEnded)]
    return ended


def reason_told(cluster: PaperCluster) -> str:
    env = cluster.objects["Job", "tell"]["spec"]["template"]["spec"]["containers"][0]["env"]
    return next(each["value"] for each in env if each["name"] == "EXCEPTION_MESSAGE")


def test_the_runs_own_limit_takes_the_step_back_and_tells_the_failure_stage(cluster: PaperCluster) -> None:
    cluster.put(a_service_that_stood("serve"))
    cluster.on_apply = runs_on("serve", "train")
    plan = a_plan(a_deployment("serve", 1), a_job("train", 1), a_job("check", 2), a_failure_stage("tell"))
    exit_code, told = executed(cluster, plan, out_of_time_in_step_1, timeout_seconds=60.0)

    assert exit_code == run.EXIT_TIMED_OUT
    assert results(told) == {"serve": "timed out", "train": "timed out", "tell": "succeeded"}
    assert [event.revision for event in told if isinstance(event, RolledBack)] == [3]
    waited_for = next(event.reason for event in told if isinstance(event, Evidence) and event.stage == "train")
    assert waited_for == "the run took longer than 60 s (--timeout); it waited for train: waiting for its pod"
    assert waited_for in reason_told(cluster)
    assert [stage.result for stage in end_of(told).stages] == ["timed out", "timed out", "not started"]


def test_the_runs_own_limit_between_two_steps_says_which_was_to_begin(cluster: PaperCluster) -> None:
    def later(session: Session, event: Event) -> None:
        if isinstance(event, StageEnded) and event.stage == "train":
            session.began -= 61

    plan = a_plan(a_job("train", 1), a_job("check", 2), a_failure_stage("tell"))
    exit_code, told = executed(cluster, plan, later, timeout_seconds=60.0)

    assert exit_code == run.EXIT_TIMED_OUT
    assert end_of(told).reason == "the run took longer than 60 s (--timeout); it waited for step 2 to begin"
    assert results(told) == {"train": "succeeded", "tell": "succeeded"}


def test_a_failure_stage_gets_its_time_although_the_runs_is_over_but_not_for_ever(
    cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure_stage, "LONGEST_SECONDS", 0.2)
    cluster.on_apply = runs_on("train", "tell")
    plan = a_plan(a_job("train", 1), a_failure_stage("tell"))
    exit_code, told = executed(cluster, plan, out_of_time_in_step_1, timeout_seconds=60.0)

    assert exit_code == run.EXIT_TIMED_OUT
    assert results(told) == {"train": "timed out", "tell": "timed out"}
    assert str(end_of(told).reason).startswith("train (step 1): the run took longer than 60 s")
    assert ("Job", "tell") not in cluster.objects, "it does not run on"


def test_after_a_signal_the_failure_stage_runs_and_what_is_left_is_said(cluster: PaperCluster) -> None:
    cluster.on_apply = runs_on("train")
    plan = a_plan(a_job("prepare", 1), a_job("train", 2), a_failure_stage("tell"))
    exit_code, told = executed(cluster, plan, interrupt_at(2))

    assert exit_code == EXIT_INTERRUPTED
    assert results(told) == {"prepare": "succeeded", "train": "stopped", "tell": "succeeded"}
    assert reason_told(cluster) == "interrupted in step 2: train"
    assert "left in namespace lab: job prepare (succeeded), job tell (succeeded); look: kubectl get " in notices(told)


def test_what_is_left_is_what_stands_and_not_what_a_watch_has_yet_to_hear_of() -> None:
    class Late(PaperCluster):
        """A cluster that tells nobody what is gone."""

        def _tell(self, type_: str, obj: dict[str, Any]) -> None:
            if type_ != "DELETED":
                super()._tell(type_, obj)

    def once_it_was_seen(session: Session, event: Event) -> None:
        if isinstance(event, StageProgress):
            session.interrupted.set()

    late = Late(on_apply=runs_on("train"))
    late.put(NAMESPACE)
    exit_code, told = executed(late, a_plan(a_job("train", 1)), once_it_was_seen)
    assert exit_code == EXIT_INTERRUPTED
    assert "left in namespace lab: no job and no deployment; look: " in notices(told)


def test_a_signal_before_anything_was_changed_runs_nothing(cluster: PaperCluster) -> None:
    exit_code, told = executed(cluster, a_plan(a_job("train", 1), a_failure_stage("tell")), lambda session, _: session.interrupted.set())
    assert exit_code == EXIT_INTERRUPTED
    assert results(told) == {}
    assert cluster.ran == []


def test_a_signal_while_the_failure_stage_runs_stops_it(cluster: PaperCluster) -> None:
    cluster.on_apply = lambda manifest: manifest if manifest["metadata"]["name"] == "tell" else as_failed(manifest)
    exit_code, told = executed(cluster, a_plan(a_job("train", 1), a_failure_stage("tell")), interrupt_at(2))

    assert exit_code == run.EXIT_FAILED, "the first reason stays the reason"
    assert results(told) == {"train": "failed", "tell": "stopped"}


def test_kept_as_it_failed_nothing_is_rolled_back_or_removed_and_that_is_said(cluster: PaperCluster) -> None:
    cluster.put(a_service_that_stood("serve"))
    become = {"train": as_failed, "tell": as_good}
    cluster.on_apply = lambda manifest: become.get(manifest["metadata"]["name"], dict)(manifest)
    plan = a_plan(a_deployment("serve", 1), a_service_of("serve", 1), a_job("train", 1), a_job("beside", 1), a_failure_stage("tell"))
    exit_code, told = execute(cluster, plan, options=RunOptions(keep_failed=True, rollback="all"))

    assert exit_code == run.EXIT_FAILED
    assert {
        words
        for words in cluster.ran
        if words[0] in {"delete", "rollout"} and not {"job/tell", "configmap/bodywork-iris-before"} & {*words}
    } == set()
    assert not [event for event in told if isinstance(event, RolledBack)]
    reasons = {event.stage: event.reason for event in told if isinstance(event, StageEnded)}
    assert reasons["serve"] == reasons["beside"] == "another stage of its step failed; left as it stands (--keep-failed)"
    assert "nothing is rolled back or removed" in notices(told)


def test_all_goes_back_the_last_one_first_and_what_was_new_is_removed(cluster: PaperCluster) -> None:
    cluster.put(a_service_that_stood("first"))
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["kind"] == "Job" else as_good(manifest)
    plan = a_plan(a_deployment("first", 1), a_deployment("second", 2), a_service_of("second", 2), a_job("train", 3))
    exit_code, told = execute(cluster, plan, options=RunOptions(rollback="all"))

    assert exit_code == run.EXIT_FAILED
    assert [(event.name, event.revision) for event in told if isinstance(event, RolledBack)] == [("second", None), ("first", 3)]
    assert [words[:3] for words in cluster.ran if words[0] in {"delete", "rollout"}][:2] == [
        ("delete", "deployment/second", "service/second"),
        ("rollout", "undo", "deployment/first"),
    ]


def test_without_being_asked_good_services_of_earlier_steps_stay(cluster: PaperCluster) -> None:
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["kind"] == "Job" else as_good(manifest)
    _, told = execute(cluster, a_plan(a_deployment("first", 1), a_job("train", 2)))
    assert not [event for event in told if isinstance(event, RolledBack)]


def needing(secret: str, key: str) -> dict[str, Any]:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}]
    return a_job("train", 1, template=a_template(env=env))


def test_a_secret_that_a_controller_makes_is_waited_for(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "ASK_AGAIN_SECONDS", 0.01)
    made: dict[str, str] = {}

    def controller(_session: Session, event: Event) -> None:
        """First the secret, then the key in it."""
        if isinstance(event, Notice) and "waiting for secrets" in event.message:
            cluster.put({"kind": "Secret", "metadata": {"name": "aws"}, "data": dict(made)})
            made["KEY"] = "dmFsdWU="

    exit_code, told = executed(cluster, a_plan(needing("aws", "KEY")), controller, wait_secrets_seconds=60.0)
    assert exit_code == 0
    first, second = [event.message for event in told if isinstance(event, Notice)]
    assert first.startswith("waiting for secrets, 60 s more at most: missing in namespace lab: secret aws is not there")
    assert "secret aws has no KEY" in second


def test_a_secret_that_never_comes_is_refused_before_anything_is_changed(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "ASK_AGAIN_SECONDS", 0.01)
    with pytest.raises(Exception, match=r"secret aws is not there \(waited for 0.05 s\)") as refused:
        execute(cluster, a_plan(needing("aws", "KEY")), options=RunOptions(wait_secrets_seconds=0.05))
    assert getattr(refused.value, "exit_code", None) == run.EXIT_REFUSED
    assert cluster.ran == []


def test_the_runs_own_limit_counts_while_secrets_are_waited_for(cluster: PaperCluster) -> None:
    def later(session: Session, event: Event) -> None:
        if isinstance(event, Notice):
            session.began -= 61

    with pytest.raises(TimedOut, match="it waited for secrets: missing in namespace lab: secret aws is not there"):
        executed(cluster, a_plan(needing("aws", "KEY")), later, wait_secrets_seconds=90.0, timeout_seconds=60.0)
    assert cluster.ran == []
