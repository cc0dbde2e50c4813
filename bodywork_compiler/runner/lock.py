"""One run at a time: this run's hold on the pipeline's Lease."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.api import Api, Conflict, CouldNotAsk, NotThere, Object, Refused
from bodywork_compiler.runner import lease
from bodywork_compiler.runner.inbox import Answered, Lost, Message, start_thread
from bodywork_compiler.runner.lease import RENEW_SECONDS, UNKNOWN, Claim, LockTaken, Process, Record, record_of

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def this_process() -> Process | None:
    """Ours; None where its four values are not to be had."""
    pid = os.getpid()
    try:
        boot, namespace = _BOOT_ID.read_text().strip(), str(_PID_NAMESPACE.readlink())
    except OSError:
        return None
    start = start_of(pid)
    return Process(boot=boot, pid_namespace=namespace, pid=pid, start=start) if start and start != UNKNOWN else None


def start_of(pid: int) -> str | None:
    """When a process of this pid namespace was started, in ticks since the boot; None: there is none, or it is dead already."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:  # another user's
        pass
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # hidden from us (hidepid): it is there, and that is all we know
        return UNKNOWN
    return None if state in {"Z", "X"} else fields[18]


def who() -> str:
    """user@host, for people; in a pod the user may have no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


LOCK = "Lease"
ASK_AGAIN_SECONDS = 2.0  # when a renewal could not ask
SURE_SECONDS = 1.0  # so long after a look at it nobody looks again


class Lock:
    """A Lease that this run holds, renewed by a thread of its own until `release` or `stop`."""

    def __init__(self, api: Api, taken: Object, former: Record | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.record = _sure(taken)
        self.former = former  # as it stood before
        self._api = api
        self._clock = clock
        self._renewed = clock()
        self._name = str(taken["metadata"]["name"])
        self._lost = ""
        self._one_at_a_time = threading.Lock()
        self._stop = threading.Event()

    @property
    def run(self) -> str:
        return self.record.run

    def keep(self, put: Callable[[Message], None]) -> None:
        """Renew it from now on. That it was lost is raised in the loop, once."""

        def renew_for_ever() -> None:
            problem: Lost | None = None
            while not self._stop.wait(ASK_AGAIN_SECONDS if problem else RENEW_SECONDS):
                former, problem = problem, self.renew()
                if self._lost:
                    raise LockTaken(self._lost)
                if problem or former:
                    put(problem or Answered(LOCK))

        start_thread("renew the lock", renew_for_ever, put)

    def renew(self) -> Lost | None:
        """Why it could not ask, if so. Otherwise it is known afterwards whether the lock is still ours."""
        try:
            self.write({"renewTime": lease.micro_time(_now())}, {})
        except LockTaken:
            return None
        except (CouldNotAsk, Refused) as no:  # an API server that has just started refuses what it will allow in a moment
            return Lost(LOCK, f"the pipeline's lock could not be renewed: {no}", is_refusal=isinstance(no, Refused))
        return None

    def check(self) -> None:
        """Before a change to the cluster. A run that was not heard of for so long that another may have come looks again first."""
        if not self._lost and not self._stop.is_set() and self._clock() - self._renewed > SURE_SECONDS:
            self.renew()
        if self._lost:
            raise LockTaken(self._lost)

    def write(self, spec: Mapping[str, Any], annotations: Mapping[str, str | None]) -> None:
        """Raises LockTaken when it is not ours any more. Somebody's word on the Lease (`kubectl annotate`) does not take it from us."""
        with self._one_at_a_time:
            while True:
                body = {"metadata": {"resourceVersion": self.record.version, "annotations": dict(annotations)}, "spec": dict(spec)}
                with contextlib.suppress(Conflict):
                    self.record = _sure(self._patch(body))
                    self._renewed = self._clock()
                    return
                self._look()

    def release(self, result: str, *, as_it_was: bool) -> None:
        """Nobody's, with what the run was. `as_it_was`: what was refused leaves no trace, so that a run that was cut off can still be resumed."""
        self._stop.set()
        if self._lost:
            return
        spec: dict[str, Any] = {"holderIdentity": None}
        notes: dict[str, str | None] = {lease.ENDED: result, lease.ENDED_AT: lease.micro_time(_now())}
        if as_it_was and self.former and self.former.was_cut_off:
            spec, notes = lease.restored(self.record, self.former)
        with contextlib.suppress(CouldNotAsk, Refused, LockTaken):  # it runs out by itself
            self.write(spec, notes)

    def stop(self) -> None:
        """Do not renew it any more; it runs out."""
        self._stop.set()

    def _patch(self, body: Object) -> Object:
        try:
            return self._api.patch("Lease", self._name, body)
        except NotThere as gone:
            raise self._gone(gone) from gone

    def _look(self) -> None:
        try:
            now = _sure(self._api.get("Lease", self._name))
        except NotThere as gone:
            raise self._gone(gone) from gone
        if now.holder != self.record.holder:
            by = lease.held_words(now) if now.holder else "whoever has released it"
            raise self._is_lost(f"the pipeline was taken by another run, of {by}: this one stops, and leaves all as it is")
        self.record = now

    def _gone(self, gone: NotThere) -> Exception:
        """Only what names the Lease says that it is gone: an API server that has just started knows no Leases at all."""
        if f'"{self._name}"' not in str(gone):
            return CouldNotAsk(str(gone))
        return self._is_lost(f"the pipeline's lock, lease {self._name}, was deleted: this run stops, and leaves all as it is")

    def _is_lost(self, why: str) -> LockTaken:
        self._lost = why
        return LockTaken(why)


def seize(api: Api, pipeline: str, former: Record | None, claim: Claim) -> Lock:
    """Take the Lease as `former` says that it stands. Conflict: another was quicker. NotThere: there is no such namespace."""
    name = labels.object_name(pipeline)
    try:
        if former is None:
            taken = api.create("Lease", lease.new(name, pipeline, claim, _now()))
        else:
            taken = api.patch("Lease", name, lease.taken(former, claim, _now(), pipeline))
    except Conflict:  # a try whose answer was lost may have taken it
        taken = api.get("Lease", name)
        if _sure(taken).holder != claim.holder:
            raise
    return Lock(api, taken, former)


def _sure(found: Object) -> Record:
    record = record_of(found)
    assert record is not None  # noqa: S101 - for the type checker: it was found
    return record


def _now() -> datetime:
    return datetime.now(timezone.utc)
