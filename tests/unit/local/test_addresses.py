"""Which port each service gets on this machine, when some want the same one."""

from __future__ import annotations

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local import addresses
from bodywork_compiler.local.workloads import Workload, workload_of
from bodywork_compiler.manifests import KubeObject

ANOTHER, TAKEN = 49_152, 80


def a_service(stage: str, port: int) -> Workload:
    container = {"name": "stage", "image": "python:3.11", "startupProbe": {"tcpSocket": {"port": port}}}
    metadata = {"name": stage, "labels": {"bodywork/pipeline": "iris", "bodywork/stage": stage}}
    return workload_of(
        KubeObject({"kind": "Deployment", "metadata": metadata, "spec": {"template": {"spec": {"containers": [container]}}}}), 1
    )


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "is_free", lambda port: port != TAKEN)
    monkeypatch.setattr(addresses, "another_free", lambda: ANOTHER)


def chosen(*services: Workload, reading: tuple[str, ...]) -> dict[str, int]:
    found = addresses.choose(services, lambda service: service.stage in reading)
    assert {found.url(stage) for stage in found.moved} <= {f"http://localhost:{ANOTHER}"}
    assert all(value.endswith(str(found.ports[stage])) for stage, (_, value) in zip(found.ports, addresses.variables(found), strict=True))
    return dict(found.ports)


def test_the_second_on_a_port_gets_another_when_its_code_reads_which() -> None:
    assert chosen(a_service("one", 5000), a_service("two", 5000), reading=("one", "two")) == {"one": 5000, "two": ANOTHER}


def test_it_is_the_first_that_moves_when_only_that_one_can() -> None:
    assert chosen(a_service("one", 5000), a_service("two", 5000), reading=("one",)) == {"one": ANOTHER, "two": 5000}


def test_what_cannot_follow_is_refused_all_at_once_with_what_to_do() -> None:
    with pytest.raises(BodyworkError) as refused:
        chosen(a_service("one", 5000), a_service("two", 5000), a_service("three", TAKEN), reading=())
    assert refused.value.message == "two: port 5000 is taken by one; three: port 80 is taken on this machine, or not allowed to you"
    assert "BODYWORK_SERVICE_PORT" in (refused.value.hint or "")
