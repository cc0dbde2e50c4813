"""One run at a time: taking the pipeline's lock, keeping it, losing it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import datetime, timezone
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
    a_session,
    as_failed,
    as_good,
    closing,
    execute,
    merged,
)

from bodywork_compiler.api import Conflict, CouldNotAsk, NotThere, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import lease, run
from bodywork_compiler.runner.events import Event, Evidence, Notice, RolledBack, RunEnded, StageEnded, StepStarted
from bodywork_compiler.runner.inbox import Wake
from bodywork_compiler.runner.lease import Claim, LockHeld, LockTaken
from bodywork_compiler.runner.lock import SURE_SECONDS, Lock, seize
from bodywork_compiler.runner.session import Session

PLAN = a_plan(a_job("train", 1), a_job("check", 2), a_failure_stage("tell"))
CLAIM = Claim(holder="ada@laptop 1a2b", annotations={lease.RUN: "1a2b", lease.BY: "ada@laptop"})
OTHER = Claim(holder="bob@ci 3c4d", annotations={lease.RUN: "3c4d", lease.BY: "bob@ci"})
LEASE = ("Lease", "bodywork-iris")


@pytest.fixture
def cluster() -> PaperCluster:
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    return cluster


def held_by_another(cluster: PaperCluster, **spec: Any) -> dict[str, Any]:
    found = lease.new("bodywork-iris", "iris", OTHER, datetime.now(timezone.utc))
    return copy.deepcopy(cluster.put(merged(found, {"spec": spec})))


def change(cluster: PaperCluster, patch: dict[str, Any]) -> None:
    cluster.put(merged(cluster.objects[LEASE], patch))


def a_lock(cluster: PaperCluster, clock: Callable[[], float] = lambda: 0.0) -> Lock:
    taken = seize(cluster, "iris", None, CLAIM)  # type: ignore[arg-type]  # what it asks of an Api is all there
    return Lock(cluster, cluster.objects[LEASE], taken.former, clock=clock)  # type: ignore[arg-type]


def holder(cluster: PaperCluster) -> str | None:
    found = lease.record_of(cluster.objects[LEASE])
    return found.holder if found else None


def notices(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, Notice)]


def test_a_run_holds_it_and_leaves_it_with_what_it_was(cluster: PaperCluster) -> None:
    holders: list[str | None] = []
    cluster.on_apply = lambda manifest: (holders.append(holder(cluster)), as_good(manifest))[1]
    exit_code, _ = execute(cluster, PLAN)

    record = lease.record_of(cluster.objects[LEASE])
    assert exit_code == 0
    assert all(holders)
    assert record is not None
    assert record.holder is None
    assert record.annotations[lease.ENDED] == "succeeded"
    assert {lease.RUN, lease.BY, lease.STARTED, lease.PLAN, lease.PLAN_DIGEST, lease.BEGUN} <= record.annotations.keys()
    assert set(record.plan) == {"train", "check", "tell"}


def test_a_second_run_is_told_who_holds_it_and_changes_nothing(cluster: PaperCluster) -> None:
    stands = held_by_another(cluster, acquireTime="2026-11-21T11:50:00.000000Z")
    with pytest.raises(LockHeld, match="held by another run: bob@ci, since 2026-11-21 11:50:00 UTC") as refused:
        execute(cluster, PLAN)

    assert (refused.value.exit_code, cluster.ran, cluster.objects[LEASE]) == (1, [], stands)
    assert refused.value.hint is not None
    assert "--wait-lock" in refused.value.hint
    assert "--break-lock" in refused.value.hint


def hurry(cluster: PaperCluster, session: Session, at: dict[int, dict[str, Any]] | None = None) -> None:
    """The session's time passes a second a look while another holds the lock; `at` such a second its Lease changes."""
    now = [0]

    def clock() -> float:
        if holder(cluster) == OTHER.holder:
            now[0] += 1
            if at and now[0] in at:
                change(cluster, at[now[0]])
            session.inbox.put(Wake())
        return float(now[0])

    session.clock, session.began = clock, 0.0


def test_it_is_waited_for_and_said_once(cluster: PaperCluster) -> None:
    held_by_another(cluster)
    told: list[Event] = []
    with closing(a_session(cluster, PLAN, told, RunOptions(wait_lock_seconds=300))) as session:
        hurry(cluster, session, {40: {"spec": {"holderIdentity": None}}})
        assert run.execute(session, run.about_to_start(PLAN, HERE)) == 0

    assert len([each for each in notices(told) if "held by another run, bob@ci" in each]) == 1


def test_one_that_is_not_renewed_for_a_whole_lease_is_taken(cluster: PaperCluster) -> None:
    """It is long overdue by its own words; our clock decides, from the first look on."""
    held_by_another(cluster, renewTime="2026-11-21T11:00:00.000000Z")
    told: list[Event] = []
    with closing(a_session(cluster, PLAN, told)) as session:
        hurry(cluster, session)
        assert run.execute(session, run.about_to_start(PLAN, HERE)) == 0
        assert session.seconds >= 60

    said = notices(told)
    assert said[0].endswith("not heard of since 2026-11-21 11:00:00 UTC: taken over in 60 s")
    assert "which was not heard of for a whole lease" in said[1]


def test_one_that_is_renewed_while_we_listen_is_alive_whatever_its_clock_says(cluster: PaperCluster) -> None:
    held_by_another(cluster, renewTime="2026-11-21T11:00:00.000000Z")
    with closing(a_session(cluster, PLAN)) as session:
        hurry(cluster, session, {40: {"spec": {"renewTime": "2026-11-21T11:00:15.000000Z"}}})
        with pytest.raises(LockHeld):
            run.execute(session, run.about_to_start(PLAN, HERE))
        assert session.seconds < 60
    assert holder(cluster) == OTHER.holder


def test_the_lock_can_be_broken(cluster: PaperCluster) -> None:
    held_by_another(cluster)
    exit_code, told = execute(cluster, PLAN, options=RunOptions(break_lock=True))

    assert exit_code == 0
    assert any("taking the lock from the run of bob@ci" in each and "--break-lock" in each for each in notices(told))


def test_of_two_takers_one_wins(cluster: PaperCluster) -> None:
    former = lease.record_of(held_by_another(cluster))
    seize(cluster, "iris", former, CLAIM)  # type: ignore[arg-type]
    with pytest.raises(Conflict):
        seize(cluster, "iris", former, OTHER)  # type: ignore[arg-type]
    assert holder(cluster) == CLAIM.holder


def test_a_try_whose_answer_was_lost_has_taken_it(cluster: PaperCluster) -> None:
    seize(cluster, "iris", None, CLAIM)  # type: ignore[arg-type]
    assert seize(cluster, "iris", None, CLAIM).run == "1a2b"  # type: ignore[arg-type]


def test_a_renewal_is_one_field_and_a_persons_word_does_not_take_it_from_us(cluster: PaperCluster) -> None:
    lock = a_lock(cluster)
    change(cluster, {"metadata": {"annotations": {"team": "blue"}}})
    assert lock.renew() is None
    lock.check()
    assert holder(cluster) == CLAIM.holder
    assert cluster.objects[LEASE]["metadata"]["annotations"]["team"] == "blue"


def test_who_has_taken_it_is_said_and_the_lease_is_theirs(cluster: PaperCluster) -> None:
    lock = a_lock(cluster)
    stands = held_by_another(cluster)
    assert lock.renew() is None
    with pytest.raises(LockTaken, match="taken by another run, of bob@ci"):
        lock.check()
    lock.release("failed", as_it_was=False)
    assert cluster.objects[LEASE] == stands


def test_the_loss_is_raised_in_the_loop(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the thread that renews it: the run may be waiting for a stage that takes hours."""
    monkeypatch.setattr("bodywork_compiler.runner.lock.RENEW_SECONDS", 0.01)
    with closing(a_session(cluster, PLAN)) as session:
        session.lock = a_lock(cluster)
        session.lock.keep(session.inbox.put)
        held_by_another(cluster)
        with pytest.raises(LockTaken, match="bob@ci"):
            session.pump(30.0)


def test_a_lease_that_was_deleted_is_lost(cluster: PaperCluster) -> None:
    lock = a_lock(cluster)
    cluster.remove(*LEASE)
    lock.renew()
    with pytest.raises(LockTaken, match="was deleted"):
        lock.check()


@pytest.mark.parametrize("no", [CouldNotAsk("EOF"), Refused("the API server says: forbidden"), NotThere("404 page not found")])
def test_what_an_api_server_says_that_has_just_started_is_no_loss(cluster: PaperCluster, no: Exception) -> None:
    lock = a_lock(cluster)

    def refuse(*_: object) -> None:
        raise no

    cluster.patch = refuse  # type: ignore[method-assign,assignment]
    assert lock.renew() is not None
    lock.check()


def test_a_renewal_that_is_refused_is_told_to_the_loop_at_once(cluster: PaperCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Watches that are open go on for minutes when credentials are revoked: the lock alone meets it."""
    monkeypatch.setattr("bodywork_compiler.runner.lock.RENEW_SECONDS", 0.01)
    told: list[Event] = []
    with closing(a_session(cluster, PLAN, told)) as session:
        session.lock = a_lock(cluster)

        def refuse(*_: object) -> None:
            raise Refused("the API server says: Unauthorized")

        cluster.patch = refuse  # type: ignore[method-assign,assignment]
        session.lock.keep(session.inbox.put)
        session.pump(30.0)
    assert ["Unauthorized" in each.message for each in told if isinstance(each, Notice)] == [True]


def test_after_a_long_silence_it_looks_before_anything_is_changed(cluster: PaperCluster) -> None:
    now = [0.0]
    lock = a_lock(cluster, clock=lambda: now[0])
    held_by_another(cluster)
    lock.check()  # just renewed: nobody else can have taken it, by their clock
    now[0] = SURE_SECONDS + 1
    with pytest.raises(LockTaken):
        lock.check()


def test_a_run_that_finds_its_lock_taken_touches_nothing_more(cluster: PaperCluster) -> None:
    told: list[Event] = []
    with closing(a_session(cluster, PLAN, told)) as session:
        tell = session.tell
        session.tell = lambda event: (tell(event), taken_before_step_2(cluster, session, event))[0]
        exit_code = run.execute(session, run.about_to_start(PLAN, HERE))

    ended = told[-1]
    assert exit_code == run.EXIT_FAILED
    assert isinstance(ended, RunEnded)
    assert "taken by another run, of bob@ci" in (ended.reason or "")
    assert cluster.ran == [("apply", "-f", "-")], "step 1 only: no step 2, no failure stage"
    assert holder(cluster) == OTHER.holder


@pytest.mark.parametrize("moment", [Evidence, StageEnded, RolledBack])
def test_nor_while_it_ends_badly(cluster: PaperCluster, moment: type) -> None:
    """Its end is told all the same."""
    plan = a_plan(a_job("train", 1), a_deployment("serve", 1), a_failure_stage("tell"))
    cluster.on_apply = lambda manifest: as_failed(manifest) if manifest["kind"] == "Job" else manifest
    told: list[Event] = []
    ran: list[int] = []
    with closing(a_session(cluster, plan, told)) as session:
        tell = session.tell

        def taken_then(event: Event) -> None:
            tell(event)
            if isinstance(event, moment) and not ran:
                ran.append(len(cluster.ran))
                held_by_another(cluster)
                assert session.lock
                session.lock.renew()

        session.tell = taken_then
        exit_code = run.execute(session, run.about_to_start(plan, HERE))

    assert exit_code == run.EXIT_FAILED
    assert [len(cluster.ran)] == ran
    assert isinstance(told[-1], RunEnded)
    assert holder(cluster) == OTHER.holder


def taken_before_step_2(cluster: PaperCluster, session: Session, event: Event) -> None:
    if isinstance(event, StepStarted) and event.step == 2:
        held_by_another(cluster)
        assert session.lock
        session.lock.renew()


def test_a_run_that_is_refused_leaves_the_one_that_was_cut_off_as_it_was(cluster: PaperCluster) -> None:
    """So that it can still be resumed."""
    held_by_another(cluster)
    cluster.refusals["apply"] = 'error: jobs "train" is forbidden'
    with pytest.raises(BodyworkError, match="forbidden"):
        execute(cluster, PLAN, options=RunOptions(break_lock=True))
    record = lease.record_of(cluster.objects[LEASE])
    assert record is not None
    assert (record.holder, record.run, record.was_cut_off) == (OTHER.holder, "3c4d", True)
    assert not {lease.BEGUN, lease.ENDED, lease.PLAN} & record.annotations.keys()


def test_who_has_no_right_to_it_is_told_how_to_get_it(cluster: PaperCluster) -> None:
    def refuse(kind: str, name: str) -> None:
        raise Refused(f'the API server says: leases.coordination.k8s.io "{name}" is forbidden')

    cluster.find = refuse  # type: ignore[method-assign,assignment]
    with pytest.raises(BodyworkError, match="lock cannot be taken") as refused:
        execute(cluster, PLAN)
    assert "--resource=leases.coordination.k8s.io" in (refused.value.hint or "")
    assert cluster.ran == []
