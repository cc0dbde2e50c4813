"""The Lease of a pipeline: what it says, and who may take it. Pure: an object, a clock, facts of this host → a decision, or the next patch.

A Lease is not deleted at a run's end: it stays, without a holder, and says what the last run was. `--resume` reads that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.runner.run_records import RunRecord
from bodywork_compiler.runner.tracking import Place, places_of
from bodywork_compiler.runner.watching import json_in

LEASE_SECONDS = 60
RENEW_SECONDS = 15.0
API_VERSION = "coordination.k8s.io/v1"

# annotations: of the run that holds it, or held it last
RUN = f"{labels.PREFIX}/run"
BY = f"{labels.PREFIX}/by"  # user@host
STARTED = f"{labels.PREFIX}/started"
PROCESS = f"{labels.PREFIX}/process"  # boot id, pid namespace, pid, start time
PLAN = f"{labels.PREFIX}/plan"  # JSON: stage → digest of its objects; its own digest is the plan's
PLAN_DIGEST = f"{labels.PREFIX}/plan-digest"
PART = f"{labels.PREFIX}/part"  # JSON: --from-step and --only, where given
PLACES = f"{labels.PREFIX}/places"  # JSON: where runs have made objects: version, kind, and namespace where it is another one
BEGUN = f"{labels.PREFIX}/begun"  # when the Jobs of the run before were gone: any Job that is there since is of this run
ENDED = f"{labels.PREFIX}/ended"  # the result; absent: it runs, or was cut off
ENDED_AT = f"{labels.PREFIX}/ended-at"

CUT_OFF = "cut off"
_OURS = f"{labels.PREFIX}/"
_PID = re.compile("[0-9]{1,9}")
UNKNOWN = "unknown"  # of a process that is there, and hidden from us
Taking = Literal["free", "dead", "expired", "broken", "held"]


class LockTaken(BodyworkError):
    """Another run has taken the pipeline from this one, which must not touch anything more."""

    hands_off = True


class LockHeld(BodyworkError):
    """Another run holds the pipeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process of this or another machine. No two have the same four values."""

    boot: str
    pid_namespace: str
    pid: int
    start: str

    def text(self) -> str:
        return f"{self.boot} {self.pid_namespace} {self.pid} {self.start}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a Lease says. `holder` None: nobody holds it; the rest is the last run's then."""

    version: str
    holder: str | None
    since: str
    renewed: str
    seconds: int
    transitions: int
    annotations: Mapping[str, str]

    @property
    def run(self) -> str:
        return self.annotations.get(RUN, "")

    @property
    def by(self) -> str:
        return self.annotations.get(BY) or self.holder or "nobody"

    @property
    def was_cut_off(self) -> bool:
        """A run that never said how it ended."""
        return self.holder is not None and bool(self.run)

    @property
    def process(self) -> Process | None:
        words = self.annotations.get(PROCESS, "").split()
        if len(words) != 4 or not _PID.fullmatch(words[2]):  # noqa: PLR2004 - the four values
            return None
        return Process(boot=words[0], pid_namespace=words[1], pid=int(words[2]), start=words[3])

    @property
    def plan(self) -> Mapping[str, str]:
        return {stage: digest for stage, digest in _mapping_in(self.annotations.get(PLAN)).items() if isinstance(digest, str)}

    @property
    def places(self) -> tuple[Place, ...]:
        return places_of(_mapping_in(self.annotations.get(PLACES)).get("places"))

    @property
    def part(self) -> Mapping[str, Any]:
        """`from_step` and `only`, where they are what a run would have written."""
        said = _mapping_in(self.annotations.get(PART))
        step, only = said.get("from_step"), said.get("only")
        part = {"from_step": step} if type(step) is int and step > 0 else {}
        return {**part, "only": only} if isinstance(only, list) and all(isinstance(each, str) for each in only) else part


def record_of(lease: Mapping[str, Any] | None) -> Record | None:
    if lease is None:
        return None
    spec, metadata = lease.get("spec") or {}, lease.get("metadata") or {}
    return Record(
        version=str(metadata.get("resourceVersion", "")),
        holder=str(spec["holderIdentity"]) if spec.get("holderIdentity") else None,
        since=str(spec.get("acquireTime") or ""),
        renewed=str(spec.get("renewTime") or ""),
        # no run writes a longer one: somebody else's number must not make a run wait
        seconds=min(max(int(spec.get("leaseDurationSeconds") or LEASE_SECONDS), 1), LEASE_SECONDS),
        transitions=int(spec.get("leaseTransitions") or 0),
        annotations=dict(metadata.get("annotations") or {}),
    )


def taking(record: Record | None, *, is_dead: bool, unheard_seconds: float, break_lock: bool) -> Taking:
    """Whether it may be taken, and why. `unheard_seconds`: for how long, by our own clock, the Lease was seen not to change."""
    if record is None or record.holder is None:
        return "free"
    if is_dead:
        return "dead"
    if unheard_seconds >= record.seconds:
        return "expired"
    return "broken" if break_lock else "held"


def is_dead(process: Process | None, here: Process | None, start_of: Callable[[int], str | None]) -> bool:
    """Whether the holder was a process that this one could see, and is no more. `start_of` gives when one was started; None: there is none."""
    if process is None or here is None or (process.boot, process.pid_namespace) != (here.boot, here.pid_namespace):
        return False
    return start_of(process.pid) not in {process.start, UNKNOWN}


def is_overdue(record: Record, now: datetime) -> bool:
    """By its holder's clock and ours it should have been renewed: reason enough to listen for a while, not to take it."""
    renewed = _time_of(record.renewed)
    return renewed is None or now - renewed > timedelta(seconds=record.seconds)


def cut_off(record: Record | None) -> RunRecord | None:
    """What is known of a run that has changed something and never said how it ended. Its last word is that it held the lock."""
    if record is None or not record.was_cut_off or BEGUN not in record.annotations:
        return None
    began = _time_of(record.annotations.get(STARTED, "")) or _time_of(record.since)
    heard = _time_of(record.renewed)
    if began is None:  # somebody else has written there
        return None
    last_word = f"no word since {record.renewed[:19].replace('T', ' ')} UTC: it was killed, or could reach the cluster no more"
    return RunRecord(
        id=record.run,
        by=record.by,
        started=began.isoformat(timespec="seconds").replace("+00:00", "Z"),
        result=CUT_OFF,
        exit_code=None,
        seconds=max((heard - began).total_seconds(), 0.0) if heard else 0.0,
        reason=last_word,
    )


def held_words(record: Record) -> str:
    since = record.since[:19].replace("T", " ")
    return f"{record.by}, since {since} UTC" if since else record.by


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a run writes into the Lease when it takes it. No other run has this holder."""

    holder: str
    annotations: Mapping[str, str]


def new(name: str, pipeline: str, claim: Claim, now: datetime) -> dict[str, Any]:
    marks = {labels.PIPELINE: pipeline, "app.kubernetes.io/managed-by": "bodywork"}
    metadata = {"name": name, "labels": marks, "annotations": dict(claim.annotations)}
    return {"apiVersion": API_VERSION, "kind": "Lease", "metadata": metadata, "spec": {**_held(claim, now), "leaseTransitions": 0}}


def taken(former: Record, claim: Claim, now: datetime, pipeline: str) -> dict[str, Any]:
    """A merge patch that is refused when the Lease is not as `former` has it."""
    spec = {**_held(claim, now), "leaseTransitions": former.transitions + 1}
    return {
        "metadata": {
            "labels": {labels.PIPELINE: pipeline},
            "resourceVersion": former.version,
            "annotations": _in_place_of(former, claim.annotations),
        },
        "spec": spec,
    }


def restored(mine: Record, former: Record) -> tuple[dict[str, Any], dict[str, str | None]]:
    """Spec and annotations that make it again what it was, for a run that has changed nothing."""
    spec = {
        "holderIdentity": former.holder,
        "leaseDurationSeconds": former.seconds,
        "acquireTime": former.since or None,
        "renewTime": former.renewed or None,
    }
    return spec, _in_place_of(mine, {key: text for key, text in former.annotations.items() if key.startswith(_OURS)})


def _held(claim: Claim, now: datetime) -> dict[str, Any]:
    at = micro_time(now)
    return {"holderIdentity": claim.holder, "leaseDurationSeconds": LEASE_SECONDS, "acquireTime": at, "renewTime": at}


def _in_place_of(record: Record, annotations: Mapping[str, str]) -> dict[str, str | None]:
    """Of ours, those alone; a person's stay."""
    return {**dict.fromkeys(key for key in record.annotations if key.startswith(_OURS)), **annotations}


def micro_time(now: datetime) -> str:
    """As Kubernetes' MicroTime wants it."""
    return now.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _time_of(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return found.astimezone(timezone.utc) if found.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _mapping_in(text: str | None) -> dict[str, Any]:
    found = json_in(text)
    return found if isinstance(found, dict) else {}
