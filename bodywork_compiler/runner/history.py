"""The record of a run, kept in the namespace beside the pipeline: written once, at its end, by one call of kubectl."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from bodywork_compiler import labels
from bodywork_compiler.api import CouldNotAsk
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import KubeObject, to_json
from bodywork_compiler.runner import lease
from bodywork_compiler.runner.events import RunEnded, RunStarted
from bodywork_compiler.runner.lock import who
from bodywork_compiler.runner.run_records import RUNS, RunRecord, from_text, stage_record, to_text
from bodywork_compiler.runner.session import Session

KEY = "runs.json"
RETRY_SECONDS = 30.0  # an API server that is started again is back by then
WRITE_SECONDS = 20.0  # nobody waits longer for a record


def name_of(pipeline: str) -> str:
    return f"{labels.object_name(pipeline)}-runs"


def record(session: Session, started: RunStarted, ended: RunEnded) -> None:
    """Best effort: a run that went well did so whether it is written down or not."""
    try:
        _write(session, _record(session, started, ended))
    except (BodyworkError, CouldNotAsk) as why:
        session.notice(f"this run is not in the history: {why}", "WARNING")


def _record(session: Session, started: RunStarted, ended: RunEnded) -> RunRecord:
    clean = session.mask.event(ended)
    assert isinstance(clean, RunEnded)  # noqa: S101 - for the type checker: a mask changes no type
    began = datetime.now(timezone.utc) - timedelta(seconds=ended.seconds)
    return RunRecord(
        id=session.lock.run if session.lock else "",
        by=who(),
        started=began.isoformat(timespec="seconds").replace("+00:00", "Z"),
        result=ended.result,
        exit_code=ended.exit_code,
        seconds=round(ended.seconds, 3),
        git_url=started.git_url,
        git_branch=started.git_branch,
        git_commit=started.git_commit,
        reason=clean.reason,
        stages=tuple(stage_record(each) for each in clean.stages),
    )


def _cut_off_before(session: Session, run: RunRecord, former: Sequence[RunRecord]) -> list[RunRecord]:
    """The run that this one has taken the lock from, where it could not write itself down; one that was resumed is this run."""
    found = lease.cut_off(session.lock.former) if session.lock else None
    return [found] if found and found.id not in {run.id, *(each.id for each in former)} else []


def _write(session: Session, run: RunRecord) -> None:
    """Server-side apply makes it or changes it, and keeps no second copy of it in an annotation.

    Without validation, for which kubectl would read the API server's whole schema first: half of the time, for an object that we know.
    """
    name = name_of(session.plan.pipeline)
    patience = 0.0 if session.interrupted.is_set() else RETRY_SECONDS
    stands = session.ask(lambda: session.api.find("ConfigMap", name), patience)
    former = from_text(((stands or {}).get("data") or {}).get(KEY))
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": session.namespace,
            "labels": {labels.PIPELINE: session.plan.pipeline, "app.kubernetes.io/managed-by": "bodywork"},
        },
        "data": {KEY: to_text([run, *_cut_off_before(session, run, former), *former][:RUNS])},
    }
    kubectl = replace(session.kubectl, retry_seconds=patience)
    words = ("apply", "--server-side", "--force-conflicts", "--validate=false", "-f", "-")
    kubectl.run(*words, stdin=to_json([KubeObject(body)]), timeout_seconds=WRITE_SECONDS)
