"""On which port of this machine each service listens, and how others find it."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local.process import PORT_VARIABLE
from bodywork_compiler.local.workloads import Workload
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.values import value

PROBE_SECONDS = 0.5
LOOPBACK = "127.0.0.1"
# a second address of the loopback: who listens at all addresses answers here too, who listens at `localhost` alone does not,
# as nobody would reach it in a cluster
_OTHER_LOOPBACK = "127.0.0.2" if sys.platform == "linux" else LOOPBACK


def is_free(port: int) -> bool:
    """Whether a service could listen there: nobody does, and this user may."""
    if _answers(LOOPBACK, port):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("", port))
        except OSError:
            return False
    return True


def another_free() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.bind(("", 0))
        port: int = trial.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """At all addresses, as a pod must."""
    return _answers(_OTHER_LOOPBACK, port)


def listens_only_locally(port: int) -> bool:
    return _OTHER_LOOPBACK != LOOPBACK and _answers(LOOPBACK, port) and not _answers(_OTHER_LOOPBACK, port)


def _answers(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as asking:
        asking.settimeout(PROBE_SECONDS)
        return asking.connect_ex((host, port)) in (0, errno.EISCONN)


@value
class Chosen:
    """`ports`: stage → the port to listen on; `moved`: those that listen elsewhere than their manifest says, and where that was."""

    ports: Mapping[str, int]
    moved: Mapping[str, int]

    def url(self, stage: str) -> str | None:
        return f"http://localhost:{self.ports[stage]}" if stage in self.ports else None


def choose(services: Sequence[Workload], may_move: Callable[[Workload], bool]) -> Chosen:
    """Each its own port. Where one is taken, or two services want it, one that reads which port it has gets another. All that cannot be is told at once."""
    chosen: dict[str, int] = {}
    moved: dict[str, int] = {}
    refused: list[str] = []
    strangers: list[int] = []
    owners: dict[int, Workload] = {}

    def move(service: Workload, port: int) -> None:
        chosen[service.stage], moved[service.stage] = another_free(), port

    for service in services:
        port = service.port
        if port is None:
            continue
        owner = owners.get(port)
        if owner is None and is_free(port):
            chosen[service.stage], owners[port] = port, service
        elif may_move(service):
            move(service, port)
        elif owner and may_move(owner):
            move(owner, port)
            chosen[service.stage], owners[port] = port, service
        else:
            strangers += [] if owner else [port]
            whose = f"by {owner.stage}" if owner else "on this machine, or not allowed to you"
            refused.append(f"{service.stage}: port {port} is taken {whose}")
    if refused:
        free = f"Free it ({', '.join(f'lsof -i :{port}' for port in strangers)} shows who has it), or have" if strangers else "Have"
        raise BodyworkError(
            "; ".join(refused), hint=f"{free} the service listen on the port that {PORT_VARIABLE} says: then another one is chosen."
        )
    return Chosen(ports=chosen, moved=moved)


def readdressing(objects: Iterable[KubeObject], namespace: str, chosen: Chosen) -> Iterator[tuple[str, str]]:
    """A service's address in manifests → here. Longer forms first."""
    for each in objects:
        port = chosen.ports.get(each.stage or "") if each.kind == "Service" else None
        if port is None:
            continue
        for said in (each.body.get("spec") or {}).get("ports") or ():
            domain = f"{each.name}.{each.namespace or namespace}"
            yield f"{domain}.svc.cluster.local:{said.get('port')}", f"localhost:{port}"
            yield f"{domain}.svc:{said.get('port')}", f"localhost:{port}"
            yield f"http://{each.name}:{said.get('port')}", f"http://localhost:{port}"


def variables(chosen: Chosen) -> Iterator[tuple[str, str]]:
    for stage in chosen.ports:
        yield labels.service_url_variable(stage), f"http://localhost:{chosen.ports[stage]}"
