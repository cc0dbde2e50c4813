"""Questions to pods and their containers: how one ended, and what it is doing now, in our users' words. Never a line of a log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.runner.verdicts.refusals import amount
from bodywork_compiler.runner.verdicts.values import ContainerKey, Object, any_condition, condition, one_line

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


_TOOK_LONGER = re.compile(rf"{labels.TIMED_OUT_MESSAGE} \d+ s")  # the whole message: with more, it is a log that happens to begin so
_OUR_SCRIPT_SAYS = "bodywork: "  # the last line of `fetch` and `install` when they fail, in the termination message since their log ends so
_COMMIT = "BODYWORK_GIT_COMMIT"  # a variable of `fetch`
_NO_FILE = "bodywork: there is no file {} in the project"  # as scripts/run.py says it
_EXIT_NO_FILE = 2
_FAILED = {labels.FETCH: "fetching the code failed", labels.INSTALL: "installing requirements failed"}
_DOING = {labels.FETCH: "fetching the code", labels.INSTALL: "installing requirements"}
_SIGNALS = {137: " (killed)", 143: " (terminated)"}
_CANNOT_START = {"StartError", "ContainerCannotRun", "CreateContainerError", "RunContainerError"}
_SCHEDULER_ASIDES = re.compile(r"\.? (no new claims to deallocate|preemption:).*$")


def how_it_ended(pod: Object) -> str:
    """Why a pod that failed did so, in one line."""
    found = failed_end(pod)
    if found is None:
        status = pod.get("status") or {}
        said = one_line(str(status.get("message") or ""))
        return f"the pod was ended: {said or status.get('reason') or 'no reason given'}"
    status, ended = found
    return end_of(pod, str(status.get("name", "")), ended)


def end_of(pod: Object, container: str, ended: Mapping[str, Any]) -> str:
    """One end of a container: by itself, by the limit of time, for memory, or before its first instruction."""
    if took_longer(ended):
        return _message(ended)
    if ended.get("reason") == "OOMKilled":
        limit = ((spec_of(pod, container).get("resources") or {}).get("limits") or {}).get("memory")
        return f"{_subject(container)} was killed: it needed more memory than {f'its limit of {limit}' if limit else 'there was'}"
    if ended.get("reason") in _CANNOT_START:
        return f"{_subject(container)} could not be started: {one_line(str(ended.get('message') or ''))}"
    code = ended.get("exitCode")
    missing = missing_file(pod, container, ended)
    if missing:
        return missing
    if container in _FAILED:
        own_words = _own_words(ended)
        return f"{_FAILED[container]}: {own_words}" if own_words else f"{_FAILED[container]} with code {code}"
    return f"{_subject(container)} exited with code {code}{_SIGNALS.get(code or 0, '')}"


def missing_file(pod: Object, container: str, ended: Mapping[str, Any]) -> str | None:
    """The stage's own file is not in the pinned commit: no attempt will ever find it there."""
    file = next(iter(spec_of(pod, container).get("args") or ()), "")
    last_line = _message(ended).rpartition("\n")[2]
    if container != labels.MAIN or ended.get("exitCode") != _EXIT_NO_FILE or not file or last_line != _NO_FILE.format(file):
        return None
    commit = next((each.get("value") for each in spec_of(pod, labels.FETCH).get("env") or () if each.get("name") == _COMMIT), None)
    return f"{file} is not in commit {commit[:7]}" if commit else f"{file} is not in the project"


def fails_always(pod: Object, container: str, ended: Mapping[str, Any]) -> str | None:
    """Why every attempt ends as this one did."""
    if container == labels.INSTALL and ended.get("exitCode") == labels.EXIT_NEVER_INSTALLED:
        return end_of(pod, container, ended)
    return missing_file(pod, container, ended)


def took_longer(ended: Mapping[str, Any]) -> bool:
    """Whether the start script ended the stage because its time was over."""
    return ended.get("exitCode") == labels.EXIT_TIMED_OUT and bool(_TOOK_LONGER.fullmatch(_message(ended)))


def was_killed(ended: Mapping[str, Any]) -> bool:
    """Ended from outside, and not for its memory."""
    return ended.get("exitCode") in _SIGNALS and ended.get("reason") != "OOMKilled"


def _own_words(ended: Mapping[str, Any]) -> str:
    """Why `fetch` or `install` gave up. Only their own last line: what git or pip printed before it is a log."""
    last = _message(ended).rpartition("\n")[2]
    return one_line(last.removeprefix(_OUR_SCRIPT_SAYS)) if last.startswith(_OUR_SCRIPT_SAYS) else ""


def _message(ended: Mapping[str, Any]) -> str:
    return str(ended.get("message") or "").strip()


def times(what: str, count: int) -> str:
    return what if count < 2 else f"{what}, {count} times"  # noqa: PLR2004 -- once is not said


def given_up_after(*limits: object) -> str:
    """Until when something is waited for that may never come: by the object's own limit, or the run's."""
    seconds = [float(str(each)) for each in limits if each]
    return f"; given up after {min(seconds):g} s" if seconds else "; no limit of time is set"


def waits_for_others(pod: Object) -> bool:
    """For a node or an image: it may come in a moment, or never."""
    pulls = {"ErrImagePull", "ImagePullBackOff"}
    return unschedulable(pod) is not None or any(waiting(status).get("reason") in pulls for status, _ in containers(pod))


def activity(pod: Object, events: Sequence[Object]) -> str:
    """What a pod that is not ready yet does or waits for."""
    unscheduled = unschedulable(pod)
    if unscheduled:
        return unscheduled
    for status, init in containers(pod):
        if init and (state(status).get("terminated") or {}).get("exitCode") == 0:
            continue
        return f"{_doing(pod, status, events)} (pod {name(pod)})"
    return f"waiting for a node (pod {name(pod)})"


def unschedulable(pod: Object) -> str | None:
    """The scheduler's words, led by the resource that is short where it is one that the stage asked for."""
    scheduled = any_condition(pod, "PodScheduled")
    if not scheduled or scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    said = _SCHEDULER_ASIDES.sub("", one_line(str(scheduled.get("message") or ""))).rstrip(".")
    short = _what_is_short(pod, said)
    return f"waiting: {short}: {said}" if short else f"waiting: {said}"


def _what_is_short(pod: Object, said: str) -> str:
    asks = spec_of(pod, labels.MAIN).get("resources") or {}
    requests = asks.get("requests") or {}
    if "Insufficient cpu" in said and "cpu" in requests:
        return f"no node has {amount(str(requests['cpu'])):g} CPUs free"
    if "Insufficient memory" in said and "memory" in requests:
        return f"no node has {requests['memory']} of memory free"
    return ""


def _doing(pod: Object, status: Status, events: Sequence[Object]) -> str:
    container = str(status.get("name", ""))
    if "running" in state(status):
        return _DOING.get(container) or _own_code_runs(container, ready=bool(status.get("ready")))
    ended = last_end(status)
    if ended is None:
        return _waits_for(pod, status, events)
    if (pod.get("spec") or {}).get("restartPolicy") == "Never":
        return "ending" if ended.get("exitCode") == 0 else f"ending: {end_of(pod, container, ended)}"
    return f"{end_of(pod, container, ended)}; it is started again"


def _own_code_runs(container: str, *, ready: bool) -> str:
    """A batch stage has no probe: it is ready as soon as it runs."""
    doing = "running" if container == labels.MAIN else f"running {container}"
    return doing if ready else f"{doing}, not ready yet"


def _waits_for(pod: Object, status: Status, events: Sequence[Object]) -> str:
    why = waiting(status)
    image = str(status.get("image") or spec_of(pod, str(status.get("name"))).get("image", ""))
    if why.get("reason") in {"ErrImagePull", "ImagePullBackOff"}:
        return one_line(f"waiting: image {image} cannot be pulled yet: {_pull_failure(str(why.get('message') or ''))}")
    if why.get("message"):
        return one_line(f"waiting: {why['message']}")
    if _is_pulling(pod, image, events):
        return f"pulling image {image}"
    return (
        "waiting for its containers" if why.get("reason") in {"ContainerCreating", "PodInitializing", None} else f"waiting: {why['reason']}"
    )


def _pull_failure(message: str) -> str:
    """The last link of the chain, since the ones before repeat the image's name: `dial tcp: lookup registry on …: no such host`."""
    return message.rpartition('": ')[2] or message


def _is_pulling(pod: Object, image: str, events: Sequence[Object]) -> bool:
    said = [str(event.get("reason")) for event in events if _is_about(event, pod) and f'"{image}"' in str(event.get("message"))]
    return said.count("Pulling") > said.count("Pulled")


def _is_about(event: Object, pod: Object) -> bool:
    return str((event.get("involvedObject") or {}).get("uid")) == uid(pod)


def _subject(container: str) -> str:
    if container in _FAILED:
        return f"the step {container}"
    return "the container" if container == labels.MAIN else f"container {container}"
