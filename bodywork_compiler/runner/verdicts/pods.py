"""Questions to pods and their containers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.runner.verdicts.values import ContainerKey, Object


def uid(obj: Object) -> str:
    return str((obj.get("metadata") or {}).get("uid", ""))


def name(obj: Object) -> str:
    return str((obj.get("metadata") or {}).get("name", ""))


def started_pods(pods: Iterable[Object]) -> frozenset[str]:
    """The uids of pods whose own code (container `stage`, else any main container) has started at least once."""
    return frozenset(uid(pod) for pod in pods if any(_has_started(status) for status in _own_code(pod)))


def container_ends(pods: Iterable[Object]) -> dict[ContainerKey, int]:
    """How often each container of each pod has ended so far; an init container that did its work has not "ended" by that."""
    return {(uid(pod), str(status["name"])): ends(status, init=init) for pod in pods for status, init in containers(pod)}


def containers(pod: Object) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Each container's status and whether it is an init container, in the order in which they run."""
    status = pod.get("status") or {}
    for container in status.get("initContainerStatuses") or ():
        yield container, True
    for container in status.get("containerStatuses") or ():
        yield container, False


def ends(status: Mapping[str, Any], *, init: bool) -> int:
    """Ends of one container: `restartCount` counts those that were followed by a start, the last may not have been yet."""
    last = last_end(status)
    if last is None or (init and last.get("exitCode") == 0):
        return 0
    state = status.get("state") or {}
    return int(status.get("restartCount", 0)) + (0 if "running" in state else 1)


def last_end(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The newest `terminated` of a container, also while it runs again or waits to."""
    ended = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    return ended if isinstance(ended, Mapping) else None


def _own_code(pod: Object) -> list[Mapping[str, Any]]:
    main = [status for status, init in containers(pod) if not init]
    return [status for status in main if status.get("name") == labels.MAIN] or main


def _has_started(status: Mapping[str, Any]) -> bool:
    return "running" in (status.get("state") or {}) or last_end(status) is not None
