"""How a container ended, and what a pod is doing now, in our users' words. Never a line of a log: it might hold a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.runner.verdicts import pods as ask
from bodywork_compiler.runner.verdicts.refusals import amount
from bodywork_compiler.runner.verdicts.values import Object, any_condition, one_line

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
    found = ask.failed_end(pod)
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
        limit = ((ask.spec_of(pod, container).get("resources") or {}).get("limits") or {}).get("memory")
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
    file = next(iter(ask.spec_of(pod, container).get("args") or ()), "")
    last_line = _message(ended).rpartition("\n")[2]
    if container != labels.MAIN or ended.get("exitCode") != _EXIT_NO_FILE or not file or last_line != _NO_FILE.format(file):
        return None
    commit = next((each.get("value") for each in ask.spec_of(pod, labels.FETCH).get("env") or () if each.get("name") == _COMMIT), None)
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
    return unschedulable(pod) is not None or any(ask.waiting(status).get("reason") in pulls for status, _ in ask.containers(pod))


def activity(pod: Object, events: Sequence[Object]) -> str:
    """What a pod that is not ready yet does or waits for."""
    unscheduled = unschedulable(pod)
    if unscheduled:
        return unscheduled
    for status, init in ask.containers(pod):
        if init and (ask.state(status).get("terminated") or {}).get("exitCode") == 0:
            continue
        return f"{_doing(pod, status, events)} (pod {ask.name(pod)})"
    return f"waiting for a node (pod {ask.name(pod)})"


def unschedulable(pod: Object) -> str | None:
    """The scheduler's words, led by the resource that is short where it is one that the stage asked for."""
    scheduled = any_condition(pod, "PodScheduled")
    if not scheduled or scheduled.get("status") != "False" or scheduled.get("reason") != "Unschedulable":
        return None
    said = _SCHEDULER_ASIDES.sub("", one_line(str(scheduled.get("message") or ""))).rstrip(".")
    short = _what_is_short(pod, said)
    return f"waiting: {short}: {said}" if short else f"waiting: {said}"


def _what_is_short(pod: Object, said: str) -> str:
    asks = ask.spec_of(pod, labels.MAIN).get("resources") or {}
    requests = asks.get("requests") or {}
    if "Insufficient cpu" in said and "cpu" in requests:
        return f"no node has {amount(str(requests['cpu'])):g} CPUs free"
    if "Insufficient memory" in said and "memory" in requests:
        return f"no node has {requests['memory']} of memory free"
    return ""


def _doing(pod: Object, status: ask.Status, events: Sequence[Object]) -> str:
    container = str(status.get("name", ""))
    if "running" in ask.state(status):
        return _DOING.get(container) or _own_code_runs(container, ready=bool(status.get("ready")))
    ended = ask.last_end(status)
    if ended is None:
        return _waits_for(pod, status, events)
    if (pod.get("spec") or {}).get("restartPolicy") == "Never":
        return "ending" if ended.get("exitCode") == 0 else f"ending: {end_of(pod, container, ended)}"
    return f"{end_of(pod, container, ended)}; it is started again"


def _own_code_runs(container: str, *, ready: bool) -> str:
    """A batch stage has no probe: it is ready as soon as it runs."""
    doing = "running" if container == labels.MAIN else f"running {container}"
    return doing if ready else f"{doing}, not ready yet"


def _waits_for(pod: Object, status: ask.Status, events: Sequence[Object]) -> str:
    why = ask.waiting(status)
    image = str(status.get("image") or ask.spec_of(pod, str(status.get("name"))).get("image", ""))
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
    return str((event.get("involvedObject") or {}).get("uid")) == ask.uid(pod)


def _subject(container: str) -> str:
    if container in _FAILED:
        return f"the step {container}"
    return "the container" if container == labels.MAIN else f"container {container}"
