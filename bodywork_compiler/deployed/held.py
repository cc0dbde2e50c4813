"""The pipeline's lock, to those who take the pipeline away: nothing is deleted under a run's hands."""

from __future__ import annotations

from bodywork_compiler import labels
from bodywork_compiler.api import Api, Object, Refused
from bodywork_compiler.runner import lease, lock_process


def lease_of(api: Api, pipeline: str) -> Object | None:
    """None: there is none, or it may not be read, and then it stays."""
    try:
        return api.find("Lease", labels.object_name(pipeline))
    except Refused:
        return None


def refuse_while_held(api: Api, pipeline: str) -> None:
    """Raises LockHeld while a run holds it, unless that is a dead process of this host."""
    record = lease.record_of(lease_of(api, pipeline))
    if record is None or record.holder is None:
        return
    if not lease.is_dead(record.process, lock_process.this_process(), lock_process.start_of):
        raise lease.LockHeld(
            f"pipeline {pipeline} in namespace {api.namespace} is held by a run: {lease.held_words(record)}; nothing was deleted",
            hint=f"Let it end, or stop it. If it is dead (it was last heard of at {record.renewed[:19]}Z): --break-lock.",
        )
