"""What is shown of a stage that failed, and what is waited for before it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from fakes import PaperCluster, a_job, a_plan, a_session

from bodywork_compiler.errors import ServerLost
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import evidence, logs
from bodywork_compiler.runner.inbox import Listed, LogOver, LogPiece, Lost
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.step import conclude, stage_plans

ENDED_WELL, RUNS = {"terminated": {"exitCode": 0}}, {"running": {}}


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setattr(logs, "follow", lambda *_: None)
    found = a_session(PaperCluster(), a_plan(a_job("train", 1)))
    yield found
    found.close()


def a_run(session: Session, kind: str) -> StageRun:
    (step,) = a_plan({**a_job("train", 1), "kind": kind}).steps
    run = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    session.picture.get = lambda _kind, _name: {  # type: ignore[method-assign]
        "kind": kind,
        "metadata": {"name": "train", "uid": "job"},
        "status": {"conditions": [{"type": "Progressing", "message": 'ReplicaSet "train-1" is progressing.'}]},
    }
    return run


def a_pod(**states: dict[str, Any]) -> dict[str, Any]:
    statuses = [{"name": name, "restartCount": 0, "state": state} for name, state in states.items()]
    owner = {"uid": "job", "name": "train-1", "controller": True}
    return {"metadata": {"name": "train-x", "uid": "pod", "ownerReferences": [owner]}, "status": {"containerStatuses": statuses}}


def test_a_pod_that_its_deadline_deleted_blames_only_what_had_not_ended_well(session: Session) -> None:
    run = a_run(session, "Job")
    run.look(session, [a_pod(install=ENDED_WELL, stage=RUNS)])
    for number, line in enumerate(("installed", "began")):
        session.logs.piece(LogPiece(number, (line,)))
        session.logs.over(LogOver(number, complete=True))
    run.look(session, [])
    found = evidence.gather(session, run)
    assert [(tail.container, tail.lines) for tail in found.tails] == [("stage", ("began",))]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_what_runs_on_is_not_waited_for(session: Session, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its log has no end, and each second more is one of a bad version, or of a Job that is out of time."""
    run = a_run(session, kind)
    run.look(session, [a_pod(stage=RUNS)])
    session.logs.piece(LogPiece(0, ("began",)))
    monkeypatch.setattr(Session, "pump", lambda *_: pytest.fail("it waits"))
    found = evidence.gather(session, run)
    assert [tail.lines for tail in found.tails] == [("began",)]


def test_of_a_job_that_will_be_stopped_only_its_events_can_be_seen_later(session: Session) -> None:
    run = a_run(session, "Job")
    run.look(session, [a_pod(stage=RUNS)])
    look_further = evidence.gather(session, run).look_further
    assert look_further == ("kubectl events --for=job/train --namespace=lab", "kubectl events --for=pod/train-x --namespace=lab")


def test_a_job_that_is_kept_can_be_looked_at_itself(session: Session) -> None:
    session.options = RunOptions(keep_failed=True)
    run = a_run(session, "Job")
    run.look(session, [a_pod(stage=RUNS)])
    assert evidence.gather(session, run).look_further[0] == "kubectl describe job/train --namespace=lab"


def test_what_is_kept_running_is_not_listened_to_at_the_runs_end(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "drain", lambda *_, **__: None)
    session.options = RunOptions(keep_failed=True)
    session.interrupted.set()
    run = a_run(session, "Job")
    run.look(session, [a_pod(stage=RUNS)])
    conclude(session, [run], [])
    assert session.logs.are_through()


def drained(session: Session, monkeypatch: pytest.MonkeyPatch, back_at: float, interrupted_at: float = math.inf) -> tuple[list[str], float]:
    """What came of a log of which the rest comes a second after the API server is back, and how long that was waited for. Only the loop takes time."""
    run, pump, now = a_run(session, "Job"), Session.pump, [0.0]

    def pump_and_pass_time(session: Session, wait_seconds: float) -> None:
        now[0] += min(wait_seconds, 0.5)
        if now[0] >= interrupted_at:
            session.interrupted.set()
        if now[0] >= back_at:
            session.inbox.put(Listed("Pod", []))
        if now[0] >= back_at + 1:
            session.inbox.put(LogPiece(0, ("the last line",)))
            session.inbox.put(LogOver(0, complete=True))
        pump(session, 0.0)

    run.look(session, [a_pod(stage=ENDED_WELL)])
    session.clock = lambda: now[0]
    session.inbox.put(Lost("Pod", "connection refused"))
    monkeypatch.setattr(Session, "pump", pump_and_pass_time)
    evidence.drain(session, seconds=10.0)
    return [line for each in session.logs.of("train") for line in each.tail], now[0]


def test_while_the_api_server_is_away_no_log_is_given_up(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    assert drained(session, monkeypatch, back_at=20.0) == (["the last line"], 21.0)


def test_a_server_that_stays_away_is_waited_for_a_minute_and_no_longer(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    assert drained(session, monkeypatch, back_at=1000.0) == ([], 70.0)


def test_a_log_that_does_not_end_is_given_up_although_the_server_answers_again(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.logs, "over", lambda _: None)
    _, waited = drained(session, monkeypatch, back_at=20.0)
    assert waited == pytest.approx(30, abs=1)


def test_whoever_has_interrupted_the_run_waits_for_no_lost_server(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    session.interrupted.set()
    session.begin_to_end()
    assert drained(session, monkeypatch, back_at=20.0) == ([], 10.0)


def test_an_interrupt_ends_the_waiting_for_a_lost_server(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    _, waited = drained(session, monkeypatch, back_at=1000.0, interrupted_at=20.0)
    assert waited == pytest.approx(30, abs=1)


def test_a_server_that_is_given_up_ends_the_wait_and_nothing_else(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """How the run ends has been decided: what the wait for its log meets must not keep that from being told."""

    def lost(*_: object) -> None:
        raise ServerLost("the API server could not be asked for 300 s")

    run = a_run(session, "Job")
    run.look(session, [a_pod(stage=ENDED_WELL)])
    monkeypatch.setattr(Session, "pump", lost)
    evidence.drain(session)
    assert not session.logs.are_through()
