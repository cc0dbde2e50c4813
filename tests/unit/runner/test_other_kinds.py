"""Kinds that Bodywork does not know are waited for by their conditions where they have them, else it is said that they are not."""

from __future__ import annotations

import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from api_servers import Script, said, serving
from fakes import NAMESPACE, Object, PaperCluster, a_deployment, a_job, a_plan, as_failed, as_good, execute, labels_of

from bodywork_compiler.api import Api, NotThere
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import other_kinds, run
from bodywork_compiler.runner.events import Event, Notice, RunEnded


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_kinds, "ASK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(other_kinds, "FIRST_WORD_SECONDS", 0.1)


def a_certificate(step: int, **labels: str) -> Object:
    metadata = {"name": "tls", "labels": {**labels_of("tls", step), **labels}}
    return {"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": metadata}


def that_is(ready: str, kind: str = "Ready") -> Object:
    return {"status": {"conditions": [{"type": kind, "status": ready, "message": "Issuing certificate"}]}}


def a_cluster(**status: Any) -> PaperCluster:
    cluster = PaperCluster(on_apply=lambda manifest: {**as_good(manifest), **(status if manifest["kind"] == "Certificate" else {})})
    cluster.put(NAMESPACE)
    return cluster


def notices(told: list[Event]) -> list[str]:
    return [event.message for event in told if isinstance(event, Notice)]


def reason(told: list[Event]) -> str | None:
    return next(event.reason for event in told if isinstance(event, RunEnded))


@pytest.mark.parametrize("step", [0, 1])
def test_the_next_step_begins_when_it_is_ready(step: int) -> None:
    cluster = a_cluster(**that_is("False"))
    ready = threading.Timer(0.2, lambda: cluster.put({**a_certificate(step), **that_is("True")}))
    ready.start()
    exit_code, told = execute(cluster, a_plan(a_certificate(step), a_job("train", 2)))
    ready.join()

    assert exit_code == 0
    assert notices(told) == [f"step {step}: Certificate tls: waiting: Issuing certificate"]


@pytest.mark.parametrize("step", [0, 1])
def test_one_that_says_that_it_failed_ends_the_run(step: int) -> None:
    exit_code, told = execute(a_cluster(**that_is("True", "Failed")), a_plan(a_certificate(step), a_job("train", 2)))
    assert (exit_code, reason(told)) == (run.EXIT_FAILED, "Certificate tls: Issuing certificate")


@pytest.mark.parametrize("workload", [a_deployment("redis", 0), a_job("migrate", 0)])
def test_a_workload_of_the_set_up_is_waited_for(workload: Object) -> None:
    """A database that an overlay has added: no stage, and nobody's but the set-up's."""
    kind, name = workload["kind"], workload["metadata"]["name"]
    workload = {**workload, "metadata": {"name": name}}
    cluster = PaperCluster(
        on_apply=lambda manifest: manifest if manifest["kind"] == kind and manifest["metadata"]["name"] == name else as_good(manifest)
    )
    cluster.put(NAMESPACE)
    good = threading.Timer(0.2, lambda: cluster.put(as_good(workload)))
    good.start()
    exit_code, told = execute(cluster, a_plan(workload, a_job("train", 1)))
    good.join()

    assert exit_code == 0
    assert [said.partition(": waiting")[0] for said in notices(told)] == [f"step 0: {kind} {name}"]


def test_a_workload_of_the_set_up_that_fails_ends_the_run() -> None:
    migrate = {**a_job("migrate", 0), "metadata": {"name": "migrate"}}
    cluster = PaperCluster(on_apply=as_failed)
    cluster.put(NAMESPACE)
    exit_code, told = execute(cluster, a_plan(migrate, a_job("train", 1)))
    assert (exit_code, reason(told)) == (run.EXIT_FAILED, "Job migrate: Job has reached the specified backoff limit")


def test_one_that_is_never_ready_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_kinds, "PATIENCE_SECONDS", 0.1)
    exit_code, told = execute(a_cluster(**that_is("False")), a_plan(a_certificate(1)))
    assert (exit_code, reason(told)) == (run.EXIT_TIMED_OUT, "Certificate tls: took longer than 0.1 s; waiting: Issuing certificate")


def test_the_runs_own_limit_says_that_it_waited_for_it() -> None:
    exit_code, told = execute(a_cluster(**that_is("False")), a_plan(a_certificate(1)), options=RunOptions(timeout_seconds=1.0))
    assert exit_code == run.EXIT_TIMED_OUT
    assert "it waited for Certificate tls: waiting: Issuing certificate" in str(reason(told))


def test_one_without_conditions_is_said() -> None:
    exit_code, told = execute(a_cluster(), a_plan(a_certificate(1), a_job("train", 2)))
    assert exit_code == 0
    assert notices(told) == ["step 1: Certificate tls is applied, and not waited for: it has no condition"]


def test_where_an_object_of_any_kind_is_found_the_api_server_says() -> None:
    known = said(
        200,
        '{"resources": [{"kind": "Certificate", "name": "certificates/status"}, {"kind": "Certificate", "name": "certificates", "namespaced": true}]}',
    )
    script = Script(known, said(200, '{"kind": "Certificate"}'), said(404, "{}"), known)
    with TemporaryDirectory(prefix="bw-") as folder, serving(Path(folder), script) as path:
        api = Api(path, "lab")
        assert api.find_any("cert-manager.io/v1", "Certificate", "tls") == {"kind": "Certificate"}
        assert api.find_any("cert-manager.io/v1", "Certificate", "gone") is None
        with pytest.raises(NotThere):
            api.find_any("cert-manager.io/v1", "Issuer", "any")
    assert [path for path, _ in script.asked[:2]] == [
        "/apis/cert-manager.io/v1",
        "/apis/cert-manager.io/v1/namespaces/lab/certificates/tls",
    ]
