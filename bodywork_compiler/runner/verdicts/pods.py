"""Questions to pods and their containers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.runner.verdicts.values import ContainerKey, Object, condition

Status = Mapping[str, Any]  # one entry of containerStatuses or initContainerStatuses


def uid(obj: Object) -> str:
    return str((obj.get("metadata") or {}).get("uid", ""))


def name(obj: Object) -> str:
    return str((obj.get("metadata") or {}).get("name", ""))


def phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase", "Pending"))


def owner(obj: Object) -> Mapping[str, Any]:
    """The reference to the controller that made the object, {} when none did."""
    for reference in (obj.get("metadata") or {}).get("ownerReferences") or ():
        if reference.get("controller"):
            found: Mapping[str, Any] = reference
            return found
    return {}


def made_by(pods: Iterable[Object], owner_uid: str) -> list[Object]:
    """The pods of one Job or ReplicaSet, oldest first: by uid, since a Job of the same name may have left pods of its own."""
    return by_age(pod for pod in pods if owner(pod).get("uid") == owner_uid)


def by_age(pods: Iterable[Object]) -> list[Object]:
    return sorted(pods, key=lambda pod: (str((pod.get("metadata") or {}).get("creationTimestamp", "")), name(pod)))


def is_leaving(pod: Object) -> bool:
    return bool((pod.get("metadata") or {}).get("deletionTimestamp"))


def is_disrupted(pod: Object) -> bool:
    """Evicted, drained or preempted: no fault of the stage, and another pod comes."""
    return condition(pod, "DisruptionTarget") is not None


def is_ready(pod: Object) -> bool:
    return condition(pod, "Ready") is not None


def containers(pod: Object) -> Iterator[tuple[Status, bool]]:
    """Each container's status and whether it is an init container, in the order in which they run."""
    status = pod.get("status") or {}
    for container in status.get("initContainerStatuses") or ():
        yield container, True
    for container in status.get("containerStatuses") or ():
        yield container, False


def started_pods(pods: Iterable[Object]) -> frozenset[str]:
    """The uids of pods whose own code (container `stage`, else any main container) has started at least once."""
    return frozenset(uid(pod) for pod in pods if any(_has_started(status) for status in _own_code(pod)))


def is_unplaced(pod: Object) -> bool:
    """Whether it waits for a node, an image or a volume: nothing of it runs, and what comes next has never run."""
    if is_leaving(pod) or phase(pod) != "Pending":
        return False
    for status, init in containers(pod):
        if not (init and (state(status).get("terminated") or {}).get("exitCode") == 0):
            return "running" not in state(status) and last_end(status) is None
    return True


def container_ends(pods: Iterable[Object]) -> dict[ContainerKey, int]:
    """How often each container of each pod has ended so far; an init container that did its work has not "ended" by that."""
    return {(uid(pod), str(status["name"])): ends(status, init=init) for pod in pods for status, init in containers(pod)}


def ends(status: Status, *, init: bool) -> int:
    """Ends of one container: `restartCount` counts those that were followed by a start, the last may not have been yet."""
    last = last_end(status)
    if last is None or (init and last.get("exitCode") == 0):
        return 0
    return int(status.get("restartCount", 0)) + (0 if "running" in state(status) else 1)


def last_end(status: Status) -> Mapping[str, Any] | None:
    """The newest `terminated` of a container, also while it runs again or waits to."""
    ended = state(status).get("terminated") or (status.get("lastState") or {}).get("terminated")
    return ended if isinstance(ended, Mapping) else None


def failed_end(pod: Object) -> tuple[Status, Mapping[str, Any]] | None:
    """The first container whose newest end was a failure: what comes after it in a pod failed because of it, if at all."""
    for status, _ in containers(pod):
        ended = last_end(status)
        if ended is not None and ended.get("exitCode") != 0:
            return status, ended
    return None


def state(status: Status) -> Mapping[str, Any]:
    return status.get("state") or {}


def waiting(status: Status) -> Mapping[str, Any]:
    return state(status).get("waiting") or {}


def spec_of(pod: Object, container: str) -> Mapping[str, Any]:
    """What the pod's spec says about a container, {} if it knows none of that name."""
    spec = pod.get("spec") or {}
    all_containers: Sequence[Mapping[str, Any]] = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return next((each for each in all_containers if each.get("name") == container), {})


def _own_code(pod: Object) -> list[Status]:
    main = [status for status, init in containers(pod) if not init]
    return [status for status in main if status.get("name") == labels.MAIN] or main


def _has_started(status: Status) -> bool:
    return "running" in state(status) or last_end(status) is not None
