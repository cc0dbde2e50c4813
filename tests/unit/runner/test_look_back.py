"""Services at the end of a run: what was available once may not be any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fakes import PaperCluster, a_deployment, a_plan, a_session, as_good

from bodywork_compiler.runner import look_back
from bodywork_compiler.runner.inbox import Listed
from bodywork_compiler.runner.session import Session
from bodywork_compiler.runner.stage_run import StageRun
from bodywork_compiler.runner.step import stage_plans

PLAN = a_plan(a_deployment("serve", 1))
MADE_BY = {"controller": True, "uid": "rs", "name": "serve-1"}


def a_pod(restarts: int) -> dict[str, Any]:
    ended = {"lastState": {"terminated": {"exitCode": 3}}} if restarts else {}
    status = {"name": "stage", "restartCount": restarts, "state": {"running": {}}, **ended}
    labels = {"bodywork/stage": "serve", "pod-template-hash": "1"}
    metadata = {"name": "serve-1-a", "uid": "pod", "labels": labels, "ownerReferences": [MADE_BY]}
    return {"kind": "Pod", "metadata": metadata, "spec": {}, "status": {"phase": "Running", "containerStatuses": [status]}}


@pytest.fixture
def session() -> Iterator[Session]:
    found = a_session(PaperCluster(), PLAN)
    yield found
    found.close()


def looked(session: Session, monkeypatch: pytest.MonkeyPatch, *, ago: float, restarts: int, is_good: bool = True) -> tuple[str, str]:
    """A service that became available so long ago, and as it is seen now."""
    monkeypatch.setattr(look_back, "SETTLE_SECONDS", 5.0)
    (step,) = PLAN.steps
    run = StageRun(plan=stage_plans(step)[0], manifest=step.objects[0], address=None, began=0.0)
    session.clock = lambda: 1000.0
    run.ends_when_good, run.good_at = {("pod", "stage"): 0}, 1000.0 - ago
    deployment = as_good(a_deployment("serve", 1, uid="1", generation=1))
    if not is_good:
        deployment["status"]["availableReplicas"] = 0
    session.inbox.put(Listed("Deployment", [deployment]))
    session.inbox.put(Listed("Pod", [a_pod(restarts)]))
    session.pump(0)
    found = look_back._verdict(session, run, waited_seconds=0.0)
    return found.state, found.message


CRASHED = "was available, then the container exited with code 3"


@pytest.mark.parametrize(
    ("ago", "restarts", "is_good", "state", "message"),
    [
        pytest.param(6, 0, True, "good", "", id="it-stands"),
        pytest.param(1, 0, True, "running", "", id="it-is-new"),
        pytest.param(1, 1, True, "failed", CRASHED, id="it-crashed-at-once"),
        pytest.param(600, 1, True, "good", "", id="one-crash-long-ago-and-it-is-back"),
        pytest.param(600, 2, True, "failed", f"{CRASHED}, 2 times", id="it-crashes-again-and-again"),
        pytest.param(600, 0, False, "running", "running, not ready yet (pod serve-1-a)", id="its-pod-is-moved-perhaps"),
    ],
)
def test_a_service_is_looked_back_at(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    *,
    ago: float,
    restarts: int,
    is_good: bool,
    state: str,
    message: str,
) -> None:
    assert looked(session, monkeypatch, ago=ago, restarts=restarts, is_good=is_good)[0] == state
    if message:
        assert looked(session, monkeypatch, ago=ago, restarts=restarts, is_good=is_good)[1] == message
