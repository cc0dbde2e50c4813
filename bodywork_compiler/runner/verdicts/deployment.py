"""A Deployment, StatefulSet or DaemonSet: good when all wanted pods are of its newest revision and available, and no other is counted."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bodywork_compiler import labels
from bodywork_compiler.runner.verdicts import pods as ask
from bodywork_compiler.runner.verdicts.doom import ENDS_ALLOWED, crashes, doom_of, fails_always
from bodywork_compiler.runner.verdicts.pods import activity, end_of, given_up_after, times, waits_for_others, was_killed
from bodywork_compiler.runner.verdicts.refusals import creation_doom, refused
from bodywork_compiler.runner.verdicts.values import Object, Situation, Verdict, any_condition, condition, is_observed, one_line

# the condition Progressing names the newest ReplicaSet in each of its messages: 'ReplicaSet "x" is progressing.', 'Created new replica set "x"'
_REPLICA_SET = re.compile(r'"([^"]+)"')


def judge(deployment: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    if (deployment.get("metadata") or {}).get("deletionTimestamp"):
        return Verdict(state="failed", message="it is being deleted by someone else")
    if not is_observed(deployment):
        return Verdict(state="running", message="waiting for the cluster to see the change")
    if _is_good(deployment):
        return Verdict(state="good")
    mine = newest_pods(deployment, pods)
    doom = doom_of(mine, events) or fails_always(mine) or _cannot_be_made(deployment, situation)
    ended_badly = crashes(mine, situation.ends_before, ENDS_ALLOWED) or doom
    if ended_badly:
        return Verdict(state="failed", message=ended_badly)
    return _too_slow(deployment, mine, situation) or _running(deployment, mine, events, situation)


def newest_pods(deployment: Object, pods: Sequence[Object]) -> list[Object]:
    """The pods of the newest revision, oldest first, without those that are leaving."""
    newest = _newest_replica_set(deployment)
    return ask.by_age(pod for pod in pods if not ask.is_leaving(pod) and _belongs(pod, deployment, newest))


def _is_good(deployment: Object) -> bool:
    status = deployment.get("status") or {}
    wanted = _wanted(deployment)
    updated, present = int(status.get("updatedReplicas") or 0), int(status.get("replicas") or 0)
    return updated == wanted and present == updated and int(status.get("availableReplicas") or 0) == wanted


def _cannot_be_made(deployment: Object, situation: Situation) -> str | None:
    failure = condition(deployment, "ReplicaFailure")
    why = failure and creation_doom(str(failure.get("message") or ""), situation.seconds)
    return one_line(why) if why else None


def _too_slow(deployment: Object, mine: Sequence[Object], situation: Situation) -> Verdict | None:
    limit = _max_startup(deployment)
    for pod in mine:
        started = situation.stage_seconds.get(ask.uid(pod))
        if limit and started is not None and started >= limit and not ask.is_ready(pod):
            too_long = f"took longer than {limit:g} s to answer{_on_port(pod)} (pod {ask.name(pod)})"
            return _out_of_time(pod, f"{_ended_meanwhile(pod)}{too_long}")
    progressing = any_condition(deployment, "Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        deadline = (deployment.get("spec") or {}).get("progressDeadlineSeconds")
        waits = f": {activity(mine[-1], ())}" if mine else ""
        return _out_of_time(mine[-1] if mine else {}, f"made no progress for {deadline} s{waits}")
    return None


def _out_of_time(pod: Object, too_long: str) -> Verdict:
    """Whichever comes first, the limit or the next crash: a service that crashes has failed."""
    return Verdict(state="failed" if _ended_meanwhile(pod) else "timed out", message=too_long)


def _running(deployment: Object, mine: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    if (deployment.get("spec") or {}).get("paused"):
        return Verdict(state="running", message="paused")
    failure = condition(deployment, "ReplicaFailure")
    if failure:
        return Verdict(state="running", message=one_line(f"waiting: {refused(str(failure.get('message') or ''))}"))
    unready = [pod for pod in mine if not ask.is_ready(pod)]
    if unready:
        doing = activity(unready[0], events)
        if waits_for_others(unready[0]):
            doing += given_up_after((deployment.get("spec") or {}).get("progressDeadlineSeconds"), situation.placing_limit)
        return Verdict(state="running", message=doing)
    return Verdict(state="running", message=_counts(deployment))


def _counts(deployment: Object) -> str:
    status = deployment.get("status") or {}
    wanted, updated, available = _wanted(deployment), int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    older = int(status.get("replicas") or 0) - updated
    if updated >= wanted and older > 0:
        return f"waiting for {older} pod{'s' if older > 1 else ''} of an older revision to go"
    return f"waiting for replicas: {min(available, updated)} of {wanted} are ready"


def _newest_replica_set(deployment: Object) -> str | None:
    progressing = any_condition(deployment, "Progressing") or {}
    named = _REPLICA_SET.search(str(progressing.get("message") or ""))
    return named[1] if named and named[1].startswith(f"{ask.name(deployment)}-") else None


def _belongs(pod: Object, deployment: Object, newest: str | None) -> bool:
    """By the name of the ReplicaSet that made the pod; without a progress deadline nothing names the newest, then by any of this Deployment."""
    replica_set = ask.owner(pod).get("name")
    if newest is not None:
        return replica_set == newest
    pod_hash = ((pod.get("metadata") or {}).get("labels") or {}).get("pod-template-hash")
    return pod_hash is not None and replica_set == f"{ask.name(deployment)}-{pod_hash}"


def _ended_meanwhile(pod: Object) -> str:
    """What kept a pod from answering comes first: `the container exited with code 1, 2 times; `.

    Not a kill: at the end of the same time the kubelet kills the container for its startup probe.
    """
    for status, init in ask.containers(pod):
        ended, count = ask.last_end(status), ask.ends(status, init=init)
        if ended is not None and count and not was_killed(ended):
            return f"{times(end_of(pod, str(status.get('name', '')), ended), count)}; "
    return ""


def _on_port(pod: Object) -> str:
    """The port is what a service that listens on another one is about."""
    ports = ask.spec_of(pod, labels.MAIN).get("ports") or ()
    return f" on port {ports[0].get('containerPort')}" if ports else ""


def _wanted(deployment: Object) -> int:
    replicas = (deployment.get("spec") or {}).get("replicas")
    return 1 if replicas is None else int(replicas)


def _max_startup(deployment: Object) -> float:
    """0 where nothing (readable) is said: then the progress deadline is the only limit."""
    said = ((deployment.get("metadata") or {}).get("annotations") or {}).get(labels.MAX_STARTUP, "")
    return float(said) if re.fullmatch(r"\d+(\.\d+)?", str(said)) else 0.0


_BY_HAND = "OnDelete"  # whoever chose this update strategy deletes the old pods by hand


def judge_stateful_set(stateful_set: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    """Partitions as in https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions: pods below it stay as they are."""
    spec, status = stateful_set.get("spec") or {}, stateful_set.get("status") or {}
    wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
    strategy = spec.get("updateStrategy") or {}
    kept = wanted if strategy.get("type") == _BY_HAND else int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    updated, ready = int(status.get("updatedReplicas") or 0), int(status.get("readyReplicas") or 0)
    if status.get("updateRevision") == status.get("currentRevision"):  # then nothing is counted as updated
        updated = int(status.get("replicas") or 0)
    is_good = ready == wanted and int(status.get("replicas") or 0) == wanted and updated >= wanted - kept
    return _judge(stateful_set, pods, events, situation, None if is_good else f"{min(ready, updated)} of {wanted}")


def judge_daemon_set(daemon_set: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    spec, status = daemon_set.get("spec") or {}, daemon_set.get("status") or {}
    wanted, ready = int(status.get("desiredNumberScheduled") or 0), int(status.get("numberAvailable") or 0)
    updated = wanted if (spec.get("updateStrategy") or {}).get("type") == _BY_HAND else int(status.get("updatedNumberScheduled") or 0)
    return _judge(daemon_set, pods, events, situation, None if ready == wanted == updated else f"{min(ready, updated)} of {wanted}")


def _judge(obj: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation, lacking: str | None) -> Verdict:
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return Verdict(state="failed", message="it is being deleted by someone else")
    if not is_observed(obj):
        return Verdict(state="running", message="waiting for the cluster to see the change")
    if lacking is None:
        return Verdict(state="good")
    mine = [pod for pod in ask.made_by(pods, ask.uid(obj)) if not ask.is_leaving(pod)]
    ended_badly = crashes(mine, situation.ends_before, ENDS_ALLOWED) or doom_of(mine, events)
    if ended_badly:
        return Verdict(state="failed", message=ended_badly)
    unready = [pod for pod in mine if not ask.is_ready(pod)]
    return Verdict(state="running", message=activity(unready[0], events) if unready else f"waiting for pods: {lacking} are ready")
