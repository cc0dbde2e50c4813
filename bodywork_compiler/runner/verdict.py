"""Pure functions: an object, its pods and its events → a verdict. They ask nothing and know no clock but what they are given.

    verdict = judge(job, pods, events, Situation(seconds=12.5))

`pods` and `events` may hold more than the object's own: they are matched by uid here, never by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bodywork_compiler.runner.verdicts import deployment, job, values
from bodywork_compiler.runner.verdicts import pods as ask
from bodywork_compiler.runner.verdicts.doom import are_refused
from bodywork_compiler.runner.verdicts.pods import container_ends, started_pods
from bodywork_compiler.runner.verdicts.values import Object, Situation, State, Verdict

__all__ = ["Object", "Situation", "State", "Verdict", "container_ends", "judge", "started_pods", "unplaced", "vanished"]

Judge = Callable[[Object, Sequence[Object], Sequence[Object], Situation], Verdict]

STILL_KINDS = (
    "ConfigMap",
    "Ingress",
    "LimitRange",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
    "Service",
    "ServiceAccount",
)
JUDGES: dict[str, Judge] = {
    "Job": job.judge,
    "Deployment": deployment.judge,
    "StatefulSet": deployment.judge_stateful_set,
    "DaemonSet": deployment.judge_daemon_set,
} | dict.fromkeys(STILL_KINDS, values.judge_still)


def judge(obj: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    """The verdict on `obj` as it was last seen; `events` are core/v1 Events, `pods` all that might be its own."""
    verdict = JUDGES.get(str(obj.get("kind", "")), values.judge_by_conditions)(obj, pods, events, situation)
    limit = situation.placing_limit
    if verdict.state == "running" and limit is not None and situation.placing_seconds >= limit:
        message = f"not started within {limit:g} s (--schedule-timeout): {verdict.message}"
        return replace(verdict, state="timed out", message=message)
    return verdict


def unplaced(obj: Object, pods: Sequence[Object], events: Sequence[Object]) -> frozenset[str]:
    """The uids of its pods that wait for a node, an image or a volume; its own where the API server does not let it make any now."""
    waiting = frozenset(ask.uid(pod) for pod in pods if ask.is_unplaced(pod))
    return waiting | {ask.uid(obj)} if are_refused(obj, pods, events) else waiting


def vanished(kind: str, name: str) -> Verdict:
    """An object that was applied in this run and is gone: someone deleted it."""
    return Verdict(state="failed", message=f"{kind} {name} is gone: it was deleted while the run waited for it")
