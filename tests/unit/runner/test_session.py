"""What a run makes of what it cannot see, and of signals."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import PaperCluster, a_job, a_plan, a_session, as_good

from bodywork_compiler.errors import EXIT_INTERRUPTED, BodyworkError, TimedOut
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import run, session, start
from bodywork_compiler.runner.events import Event, Notice, RunEnded, StageProgress
from bodywork_compiler.runner.inbox import Answered, Denied, Listed, Lost, ProxyEnded, Unwatched
from bodywork_compiler.runner.namespace import Whereabouts
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.step import look, stage_plans

AWAY = Lost("Job", "dial tcp 10.244.0.1:6443: connect: connection refused")
PLAN = a_plan(a_job("train", 1))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[Event]:
    return []


@pytest.fixture
def seeing(clock: Clock, told: list[Event]) -> Iterator[Session]:
    found = a_session(PaperCluster(), PLAN, told)
    found.clock = clock
    yield found
    found.close()


def notices(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, Notice)]


def test_a_short_loss_is_not_worth_a_line(seeing: Session, told: list[Event]) -> None:
    seeing.inbox.put(AWAY)
    seeing.pump(0)
    assert seeing.is_blind
    seeing.inbox.put(Listed("Job", []))
    seeing.pump(0)
    assert not seeing.is_blind
    assert notices(told) == []


def test_a_lost_server_is_said_once_and_its_return_too(seeing: Session, clock: Clock, told: list[Event]) -> None:
    for second in range(20):
        clock.now = float(second)
        seeing.inbox.put(AWAY)
        seeing.pump(0)
    seeing.inbox.put(Listed("Job", []))
    seeing.pump(0)

    first, second_notice = notices(told)
    assert "connection refused" in first
    assert second_notice == "the API server answers again"


def test_refused_credentials_are_said_at_once_and_once(seeing: Session, told: list[Event]) -> None:
    for _ in range(2):
        seeing.inbox.put(Lost("Lease", "the pipeline's lock could not be renewed: the API server says: Unauthorized", is_refusal=True))
        seeing.pump(0)
    (said,) = notices(told)
    assert said.startswith(
        "the API server refuses what it allowed before, trying again for 300 s: the pipeline's lock could not be renewed"
    )
    assert said.endswith("Unauthorized")
    assert not seeing.is_blind, "the lock sees nothing"
    seeing.inbox.put(Answered("Lease"))
    seeing.pump(0)
    assert notices(told)[1:] == ["the API server answers again"]


def test_a_lock_that_cannot_be_renewed_ends_the_run_in_the_end(seeing: Session, clock: Clock) -> None:
    seeing.inbox.put(Lost("Lease", "Unauthorized", is_refusal=True))
    seeing.pump(0)
    clock.now += 300
    with pytest.raises(TimedOut, match="Unauthorized"):
        seeing.pump(0)


def test_what_is_listed_since_it_may_not_be_watched_any_more_is_said_once(seeing: Session, told: list[Event]) -> None:
    for _ in range(2):
        seeing.inbox.put(Listed("Pod", []))
        seeing.inbox.put(Unwatched("Pod", "forbidden"))
        seeing.pump(0)
    assert notices(told) == ["Pods cannot be watched any more, and are listed every few seconds instead: forbidden"]
    assert not seeing.is_blind


def test_a_server_that_does_not_come_back_ends_the_run_with_its_own_code(seeing: Session, clock: Clock) -> None:
    seeing.inbox.put(AWAY)
    seeing.pump(0)
    clock.now = session.LOST_SERVER_SECONDS
    with pytest.raises(TimedOut) as lost:
        seeing.pump(0)
    assert lost.value.exit_code == run.EXIT_TIMED_OUT


def test_nothing_is_judged_while_the_server_cannot_be_asked(seeing: Session, clock: Clock) -> None:
    """A day later the stage is beyond every limit, as far as we know: but we do not know."""
    (step,) = PLAN.steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    job = a_job("train", 1, activeDeadlineSeconds=60)
    job["metadata"] |= {"uid": "1", "generation": 1}
    seeing.inbox.put(Listed("Job", [job]))
    seeing.inbox.put(AWAY)
    seeing.pump(0)
    clock.now = 86_400.0
    look(seeing, [stage])
    assert stage.verdict.state == "running"

    seeing.inbox.put(Listed("Job", [as_good(job)]))
    seeing.pump(0)
    look(seeing, [stage])
    assert stage.verdict.state == "good", "what it did meanwhile counts"


def test_a_stage_that_no_node_takes_is_told_in_the_schedulers_words_every_30_s(seeing: Session, clock: Clock, told: list[Event]) -> None:
    """Nodes may be on their way: only its deadline ends it."""
    (step,) = PLAN.steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    job = a_job("train", 1, activeDeadlineSeconds=3600)
    job["metadata"] |= {"uid": "1", "generation": 1}
    words = "0/1 nodes are available: 1 node(s) had untolerated taint {gpu: true}"
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": f"{words}."}
    owner = {"controller": True, "uid": "1", "name": "train"}
    metadata = {"name": "train-abc", "uid": "2", "labels": job["metadata"]["labels"], "ownerReferences": [owner]}
    pod = {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": "Pending", "conditions": [unscheduled]}}
    seeing.inbox.put(Listed("Job", [job]))
    seeing.inbox.put(Listed("Pod", [pod]))
    seeing.pump(0)
    for second in range(91):
        clock.now = float(second)
        look(seeing, [stage])

    said = [event for event in told if isinstance(event, StageProgress)]
    assert [event.seconds for event in said] == [0.0, 30.0, 60.0, 90.0]
    assert {event.message for event in said} == {f"waiting: {words}; given up after 900 s"}


def a_pod_of(job: dict[str, Any], **status: Any) -> dict[str, Any]:
    owner = {"controller": True, "uid": job["metadata"]["uid"], "name": "train"}
    metadata = {"name": "train-abc", "uid": "2", "labels": job["metadata"]["labels"], "ownerReferences": [owner]}
    return {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": "Pending", **status}}


def seen(session: Session, clock: Clock, *, until: float, **status: Any) -> StageRun:
    """A stage without a limit of time, whose pod has this status until then."""
    (step,) = PLAN.steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    job = a_job("train", 1)
    job["metadata"] |= {"uid": "1", "generation": 1}
    session.inbox.put(Listed("Job", [job]))
    session.inbox.put(Listed("Pod", [a_pod_of(job, **status)]))
    session.pump(0)
    look(session, [stage])
    clock.now = until
    look(session, [stage])
    return stage


NO_IMAGE = {"name": "stage", "image": "x", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "429 Too Many Requests"}}}
FETCHED = {"name": "fetch", "state": {"terminated": {"exitCode": 0}}}
FETCHES = {"name": "fetch", "state": {"running": {}}}


@pytest.mark.parametrize(
    "status",
    [
        {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}]},
        {"containerStatuses": [NO_IMAGE]},
        {"initContainerStatuses": [FETCHED], "containerStatuses": [NO_IMAGE]},
        {},
    ],
)
def test_a_pod_that_gets_no_node_or_image_fails_its_stage_in_the_end(seeing: Session, clock: Clock, status: dict[str, Any]) -> None:
    """Whatever the stage's own limit: here it has none."""
    assert seen(seeing, clock, until=899, **status).verdict.state == "running"
    found = seen(seeing, clock, until=clock.now + 900, **status).verdict
    assert found.state == "timed out"
    assert found.message.startswith("not started within 900 s (--schedule-timeout): ")


def test_a_pod_that_fetches_has_a_node_and_an_image(seeing: Session, clock: Clock) -> None:
    waiting = {"name": "stage", "image": "x", "state": {"waiting": {"reason": "PodInitializing"}}}
    assert seen(seeing, clock, until=9000, initContainerStatuses=[FETCHES], containerStatuses=[waiting]).verdict.state == "running"


def test_without_that_limit_it_is_waited_for_as_long_as_it_takes(clock: Clock) -> None:
    session = a_session(PaperCluster(), PLAN, options=RunOptions(schedule_timeout_seconds=None))
    session.clock = clock
    assert seen(session, clock, until=1e6, containerStatuses=[NO_IMAGE]).verdict.state == "running"
    session.close()


def test_a_job_whose_pods_a_full_quota_refuses_waits_no_longer(seeing: Session, clock: Clock) -> None:
    words = 'Error creating: pods "train-x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
    event = {"metadata": {"name": "e"}, "reason": "FailedCreate", "message": words, "involvedObject": {"uid": "1"}}
    seeing.inbox.put(Listed("Event", [event]))
    found = seen(seeing, clock, until=900, phase="Failed").verdict
    assert (found.state, "exceeded quota" in found.message) == ("timed out", True)


def test_a_stage_beyond_all_of_its_own_limits_ends_by_ours(seeing: Session, clock: Clock) -> None:
    (step,) = PLAN.steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    job = a_job("train", 1, activeDeadlineSeconds=60)
    job["metadata"] |= {"uid": "1", "generation": 1}
    seeing.inbox.put(Listed("Job", [job]))
    seeing.pump(0)
    look(seeing, [stage])
    assert stage.verdict.state == "running"
    clock.now = 181.0
    look(seeing, [stage])
    assert stage.verdict.state == "timed out"


def test_what_was_applied_and_is_gone_has_failed(seeing: Session) -> None:
    (step,) = PLAN.steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    for objects, state in (([], "running"), ([{**a_job("train", 1)}], "running"), ([], "failed")):
        seeing.inbox.put(Listed("Job", objects))
        seeing.pump(0)
        look(seeing, [stage])
        assert stage.verdict.state == state


def test_what_was_applied_and_is_never_seen_has_failed(seeing: Session, clock: Clock) -> None:
    """An overlay took the pipeline's label off it: the watch would never tell of it."""
    (step,) = PLAN.steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    for second, state in ((1000.0, "running"), (1059.0, "running"), (1060.0, "failed")):
        clock.now = second
        look(seeing, [stage])
        assert stage.verdict.state == state
    assert "bodywork/pipeline" in stage.verdict.message


def test_an_older_sight_of_a_changed_service_is_no_verdict(seeing: Session) -> None:
    (step,) = a_plan({**a_job("serve", 1), "kind": "Deployment"}).steps
    stage = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0, generation=5)
    good = {"observedGeneration": 4, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    seen: dict[str, Any] = {"kind": "Deployment", "metadata": {"name": "serve", "uid": "1", "generation": 4}, "spec": {}, "status": good}
    seeing.inbox.put(Listed("Deployment", [seen]))
    seeing.pump(0)
    look(seeing, [stage])
    assert stage.verdict.state == "running"


def test_events_that_may_not_be_read_are_done_without(seeing: Session, told: list[Event]) -> None:
    seeing.inbox.put(Denied("Event", "events is forbidden"))
    seeing.pump(0)
    assert seeing.picture.has("Event")
    assert "forbidden" in notices(told)[0]


def test_pods_that_may_not_be_watched_end_the_run(seeing: Session) -> None:
    seeing.inbox.put(Denied("Pod", "pods is forbidden"))
    with pytest.raises(BodyworkError, match="forbidden"):
        seeing.pump(0)


def test_a_proxy_that_ended_is_started_again(seeing: Session, told: list[Event]) -> None:
    again: list[bool] = []
    seeing.restart_proxy = lambda: again.append(True)
    seeing.inbox.put(ProxyEnded())
    seeing.pump(0)
    assert again == [True]
    assert notices(told) == ["kubectl proxy has ended; starting it again"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_in_order_the_second_at_once(seeing: Session, number: signal.Signals) -> None:
    handler = signal.getsignal(number)
    with start._signals(seeing):
        signal.raise_signal(number)
        assert seeing.interrupted.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert signal.getsignal(number) is handler


def test_a_signal_before_the_first_step_changes_nothing(told: list[Event]) -> None:
    cluster = PaperCluster()
    interrupted = a_session(cluster, PLAN, told)
    interrupted.interrupted.set()
    try:
        code = run.execute(interrupted, run.about_to_start(PLAN, Whereabouts(context="test", namespace="lab")))
    finally:
        interrupted.close()
    assert code == EXIT_INTERRUPTED
    assert cluster.ran == []
    assert isinstance(told[-1], RunEnded)
    assert told[-1].result == "interrupted"
