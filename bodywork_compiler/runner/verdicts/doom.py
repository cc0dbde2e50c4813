"""Pods that can never run as things stand: known before any deadline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bodywork_compiler.runner.verdicts import pods as ask
from bodywork_compiler.runner.verdicts.pods import end_of, times
from bodywork_compiler.runner.verdicts.pods import fails_always as container_fails_always
from bodywork_compiler.runner.verdicts.refusals import config_doom, creation_doom, image_doom, refused
from bodywork_compiler.runner.verdicts.values import ContainerKey, Object, condition, one_line


def doom_of(pods: Iterable[Object], events: Sequence[Object]) -> str | None:
    """Why one of these pods can never run, or None. Pods that have ended or are leaving are past it."""
    for pod in pods:
        if ask.is_leaving(pod) or ask.phase(pod) in {"Succeeded", "Failed"}:
            continue
        why = _containers_doom(pod) or _volumes_doom(pod, events)
        if why:
            return one_line(why)
    return None


def fails_always(pods: Iterable[Object]) -> str | None:
    """Why no attempt can succeed, as an earlier one has shown: the commit has no such file, or a requirement is one that nobody can install."""
    for pod in pods:
        for status, _ in ask.containers(pod):
            ended = ask.last_end(status)
            found = ended and container_fails_always(pod, str(status.get("name", "")), ended)
            if found:
                return found
    return None


ENDS_ALLOWED = 3  # a container that ended so often in one run has failed


def crashes(pods: Iterable[Object], ends_before: Mapping[ContainerKey, int], at_least: int) -> str | None:
    """How a container of them ended, if it did so that often since `ends_before`."""
    for pod in pods:
        for status, init in ask.containers(pod):
            container = str(status.get("name", ""))
            count = ask.ends(status, init=init) - ends_before.get((ask.uid(pod), container), 0)
            ended = ask.last_end(status)
            if ended is not None and count >= at_least:
                return times(end_of(pod, container, ended), count)
    return None


def cannot_be_made(job: Object, events: Sequence[Object], seconds: float) -> tuple[bool, str]:
    """Whether a Job's pods can never be made, and the API server's words about it ("" while none are refused). Only events say it."""
    mine = sorted((event for event in events if (event.get("involvedObject") or {}).get("uid") == ask.uid(job)), key=_when)
    last = next((event for event in reversed(mine) if event.get("reason") in {"FailedCreate", "SuccessfulCreate"}), None)
    if last is None or last.get("reason") != "FailedCreate":
        return False, ""
    message = str(last.get("message") or "")
    why = creation_doom(message, seconds)
    return bool(why), one_line(why or refused(message))


def are_refused(obj: Object, pods: Sequence[Object], events: Sequence[Object]) -> bool:
    """Whether no pod is made since the API server refuses them now, for a quota that others fill perhaps."""
    if any(ask.phase(pod) in {"Pending", "Running"} and not ask.is_leaving(pod) for pod in pods):
        return False
    return condition(obj, "ReplicaFailure") is not None or (obj.get("kind") == "Job" and bool(cannot_be_made(obj, events, 0.0)[1]))


def _containers_doom(pod: Object) -> str | None:
    for status, _ in ask.containers(pod):
        why = ask.waiting(status)
        reason, message = str(why.get("reason") or ""), str(why.get("message") or "")
        image = str(status.get("image") or ask.spec_of(pod, str(status.get("name"))).get("image", ""))
        doom = config_doom(message) if reason == "CreateContainerConfigError" else image_doom(image, reason, message)
        if doom:
            return doom
    return None


def _volumes_doom(pod: Object, events: Sequence[Object]) -> str | None:
    """A secret or ConfigMap that a volume names and that is not there: only an event says it; the pod is ContainerCreating for ever."""
    if condition(pod, "PodReadyToStartContainers") or not _is_being_made(pod):
        return None
    for event in events:
        if event.get("reason") == "FailedMount" and (event.get("involvedObject") or {}).get("uid") == ask.uid(pod):
            why = config_doom(str(event.get("message") or ""))
            if why:
                return why.rpartition(" : ")[2]
    return None


def _is_being_made(pod: Object) -> bool:
    statuses = [status for status, _ in ask.containers(pod)]
    return bool(statuses) and not any("running" in ask.state(status) or ask.last_end(status) for status in statuses)


def _when(event: Object) -> tuple[str, bool]:
    """By time, in whole seconds; within one second a success counts as the later: the controller goes on from there."""
    series = event.get("series") or {}
    metadata = event.get("metadata") or {}
    when = event.get("lastTimestamp") or series.get("lastObservedTime") or event.get("eventTime") or metadata.get("creationTimestamp") or ""
    return str(when)[:19], event.get("reason") == "SuccessfulCreate"
