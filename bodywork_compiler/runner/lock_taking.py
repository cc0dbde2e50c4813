"""A run takes the pipeline's lock, before it looks and before it changes anything, and gives it back at its end."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import Conflict, NotThere, Refused
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Execute, Kubectl, Result
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import lease, resume
from bodywork_compiler.runner.events import Level
from bodywork_compiler.runner.lease import Claim, LockHeld, Record, Taking
from bodywork_compiler.runner.lock import LOCK, Lock, seize, start_of, this_process, who
from bodywork_compiler.runner.owners import judged_record, records, refuse
from bodywork_compiler.runner.references import objects
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.tracking import MOST_KINDS, RENDERED, Home, places

LOOK_AGAIN_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What was seen of a Lease that another holds, by our own clock."""

    began: float
    version: str = ""
    since: float = 0.0
    is_alive: bool = False
    said: bool = False

    def of(self, record: Record | None, now: float) -> float:
        """For how long it has not changed."""
        version = record.version if record else ""
        if version != self.version:
            self.is_alive = bool(self.version)
            self.version, self.since = version, now
        return now - self.since


def take_if_there(session: Session) -> None:
    """While the namespace is not there yet, neither is a run in it."""
    heard = _Heard(began=session.clock())
    run = secrets.token_hex(4)
    while not session.lock and not session.interrupted.is_set():
        record = _read(session)
        if session.options.resume:
            resume.refuse_unknown(session, record)
        why = _taking(session, record, heard)
        if why == "held" and record:
            _wait(session, record, heard)
            continue
        _say(session, why, record)
        try:
            lock = session.ask(lambda: seize(session.api, session.plan.pipeline, record, _claim(session, run, record)))  # noqa: B023 - asked at once
        except Conflict:
            continue
        except NotThere:
            return
        except Refused as no:
            if no.is_namespace_going:  # said better when the namespace is looked at
                return
            raise _not_allowed(session, no) from no
        _hold(session, lock)


def take(session: Session) -> None:
    take_if_there(session)
    if not session.lock and not session.interrupted.is_set():
        raise BodyworkError(f"namespace {session.namespace} is not there any more", hint="Try again.")


def begin(session: Session) -> None:
    """The Jobs of the run before are gone."""
    lock = session.lock
    if lock and lease.BEGUN not in lock.record.annotations:
        session.ask(lambda: lock.write({}, {lease.BEGUN: lease.micro_time(_now())}))


def give_back(session: Session, result: str) -> None:
    """At the end of a run in good order; one that left things running keeps it, so that it can be resumed."""
    if session.lock:
        session.lock.release(result, as_it_was=result != "succeeded" and not session.changed)


def _read(session: Session) -> Record | None:
    name = labels.object_name(session.plan.pipeline)
    try:
        found = session.ask(lambda: session.api.find("Lease", name))
    except Refused as no:
        raise _not_allowed(session, no) from no
    if found:
        mine = next(each for each in records(session.plan) if each.kind == LOCK)
        refuse(session.plan, session.namespace, session.options, strangers=tuple(judged_record(session.plan, mine, found)), stand=())
    return lease.record_of(found)


def _taking(session: Session, record: Record | None, heard: _Heard) -> Taking:
    here = this_process()
    return lease.taking(
        record,
        is_dead=lease.is_dead(record.process if record else None, here, start_of),
        unheard_seconds=heard.of(record, session.clock()),
        break_lock=session.options.break_lock,
    )


def _wait(session: Session, record: Record, heard: _Heard) -> None:
    """As long as was asked for. One that is overdue is listened to for a whole lease, whatever was asked: it cannot be told sooner."""
    is_overdue = lease.is_overdue(record, _now()) and not heard.is_alive
    give_up_at = heard.began + session.options.wait_lock_seconds
    if is_overdue:
        give_up_at = max(give_up_at, heard.since + record.seconds + LOOK_AGAIN_SECONDS)
    if session.clock() >= give_up_at:
        raise LockHeld(
            f"pipeline {session.plan.pipeline} in namespace {session.namespace} is held by another run: {lease.held_words(record)}",
            hint="Wait for it with --wait-lock 10m. If that run is dead: --break-lock (should it live, it stops as soon as it sees so).",
        )
    if not heard.said:
        heard.said = True
        why = (
            f"not heard of since {record.renewed[:19].replace('T', ' ')} UTC: taken over in {record.seconds} s" if is_overdue else "waiting"
        )
        session.notice(f"held by another run, {lease.held_words(record)}: {why}", where="run.lock")
    session.check_time(f"the run that holds the pipeline: {lease.held_words(record)}")
    session.pump(LOOK_AGAIN_SECONDS)


_WORDS: dict[Taking, str] = {
    "dead": "which is dead",
    "expired": "which was not heard of for a whole lease",
    "broken": "which may be running (--break-lock)",
}


def _say(session: Session, why: Taking, record: Record | None) -> None:
    if record and why in _WORDS:
        level: Level = "WARNING" if why == "broken" else "INFO"
        session.notice(f"taking the lock from the run of {lease.held_words(record)}, {_WORDS[why]}", level, where="run.lock")


def _claim(session: Session, run: str, record: Record | None) -> Claim:
    by, process = who(), this_process()
    mine = {lease.BY: by, **({lease.PROCESS: process.text()} if process else {})}
    holder = f"{by} {run}"
    if session.options.resume and record:
        return Claim(holder=holder, annotations={**resume.kept(record), **mine, **_places(session, record)})
    digests = resume.digests(session.plan)
    started = {
        lease.RUN: run,
        lease.STARTED: lease.micro_time(_now()),
        lease.PLAN_DIGEST: resume.digest_of(digests),
        lease.PLAN: json.dumps(digests, separators=(",", ":")),
    }
    return Claim(holder=holder, annotations={**started, **mine, **_part(session.options), **_places(session, record)})


def _places(session: Session, record: Record | None) -> dict[str, str]:
    """Written before the first change, so that what is made there is found again, whatever becomes of the run."""
    home = Home(session.plan.pipeline, session.namespace)
    found = dict.fromkeys((*(record.places if record else ()), *places(objects(session.plan), home)))
    others = [[*each] for each in found if each not in RENDERED]
    return {lease.PLACES: json.dumps({"places": others[-MOST_KINDS:]}, separators=(",", ":"))} if others else {}


def _part(options: RunOptions) -> dict[str, str]:
    asked: dict[str, Any] = {"from_step": options.from_step, "only": options.only}
    given = {key: value for key, value in asked.items() if value}
    return {lease.PART: json.dumps(given)} if given else {}


def _hold(session: Session, lock: Lock) -> None:
    """From now on nothing is changed without a look at the lock."""
    session.lock = lock
    lock.keep(session.inbox.put)
    session.kubectl = _guarded(session.kubectl, lock)


def _guarded(kubectl: Kubectl, lock: Lock) -> Kubectl:
    execute: Execute = kubectl.execute

    def only_while_held(argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        lock.check()
        return execute(argv, stdin, timeout_seconds)

    return replace(kubectl, execute=only_while_held)


def _not_allowed(session: Session, no: Refused) -> BodyworkError:
    rights = session.kubectl.line(
        "create", "role", "bodywork-lock", "--verb=get,create,patch,delete", "--resource=leases.coordination.k8s.io"
    )
    bound = session.kubectl.line("create", "rolebinding", "bodywork-lock", "--role=bodywork-lock", "--user=YOU")
    return BodyworkError(
        f"the pipeline's lock cannot be taken: {no.message}",
        hint=f"Kubernetes' own roles admin and edit may do that; another role needs:\n  {rights}\n  {bound}",
    )


def _now() -> datetime:
    return datetime.now(timezone.utc)
