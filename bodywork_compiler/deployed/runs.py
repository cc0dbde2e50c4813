"""The last runs of a pipeline: as they have written themselves down, and the one that holds the lock, which has not yet, or never will."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

from bodywork_compiler import labels
from bodywork_compiler.api import Api, Refused
from bodywork_compiler.deployed.reading import Deployed
from bodywork_compiler.runner import lease, lock_process
from bodywork_compiler.runner.history import KEY, name_of
from bodywork_compiler.runner.run_records import RunRecord, from_text

RUNNING = "running"


def runs_of(api: Api, deployed: Deployed, now: datetime | None = None) -> tuple[RunRecord, ...]:
    """The newest first. Who may not read Leases does not see a run that is under way."""
    kept = (each for each in deployed.of("ConfigMap") if each["metadata"]["name"] == name_of(deployed.pipeline))
    written = from_text((next(kept, {}).get("data") or {}).get(KEY))
    try:
        record = lease.record_of(api.find("Lease", labels.object_name(deployed.pipeline)))
    except Refused:
        return written
    holder = holding(record, now or datetime.now(timezone.utc))
    return (holder, *written) if holder and holder.id not in {each.id for each in written} else written


def holding(record: lease.Record | None, now: datetime) -> RunRecord | None:
    """The run that holds the lock: it is under way, or was cut off."""
    found = lease.cut_off(record)
    if record is None or found is None:
        return None
    is_dead = lease.is_dead(record.process, lock_process.this_process(), lock_process.start_of)
    return found if is_dead or lease.is_overdue(record, now) else replace(found, result=RUNNING, reason=None)
