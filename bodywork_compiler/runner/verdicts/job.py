"""A batch stage's Job. It fails by its condition Failed only: between retries, and while pods are being ended, it is running."""

from __future__ import annotations

from collections.abc import Sequence

from bodywork_compiler.runner.verdicts import pods as ask
from bodywork_compiler.runner.verdicts.doom import cannot_be_made, doom_of, fails_always
from bodywork_compiler.runner.verdicts.pods import activity, given_up_after, how_it_ended, times, took_longer, waits_for_others
from bodywork_compiler.runner.verdicts.values import Object, Situation, Verdict, condition, one_line


def judge(job: Object, pods: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    mine = ask.made_by(pods, ask.uid(job))
    attempts = _attempts(job, mine)
    failed = condition(job, "Failed")
    if failed:
        return _failed(job, mine, attempts)
    if condition(job, "Complete") or _wanted_have_succeeded(job, mine):
        return Verdict(state="good", attempts=attempts)
    if condition(job, "FailureTarget"):
        return Verdict(state="running", message="ending: its pods are being ended, it has failed", attempts=attempts)
    if (job.get("spec") or {}).get("suspend"):
        return Verdict(state="running", message="suspended", attempts=attempts)
    return _unfinished(job, mine, events, situation)


def _unfinished(job: Object, mine: Sequence[Object], events: Sequence[Object], situation: Situation) -> Verdict:
    attempts = _attempts(job, mine)
    doom = doom_of(mine, events) or fails_always(mine)
    if doom:
        return Verdict(state="failed", message=doom, attempts=attempts)
    active = [pod for pod in mine if ask.phase(pod) in {"Pending", "Running"} and not ask.is_leaving(pod)]
    if not active:
        never, why = cannot_be_made(job, events, situation.seconds)
        if never:
            return Verdict(state="failed", message=why, attempts=attempts)
        return Verdict(state="running", message=f"waiting: {why}" if why else _between(job, mine), attempts=attempts)
    doing = activity(active[-1], events)
    if waits_for_others(active[-1]):
        doing += given_up_after((job.get("spec") or {}).get("activeDeadlineSeconds"), situation.placing_limit)
    message = f"attempt {attempts} of {_allowed(job)}: {doing}" if attempts > 1 else doing
    return Verdict(state="running", message=message, attempts=attempts)


def _wanted_have_succeeded(job: Object, mine: Sequence[Object]) -> bool:
    """A second before the Job says so itself. A Job that is failing may have such pods too; an indexed one wants one of each index."""
    spec = job.get("spec") or {}
    if spec.get("completionMode") == "Indexed" or condition(job, "FailureTarget"):
        return False
    wanted = spec.get("completions")
    return wanted is not None and sum(ask.phase(pod) == "Succeeded" for pod in mine) >= int(wanted)


def _failed(job: Object, mine: Sequence[Object], attempts: int) -> Verdict:
    said = condition(job, "Failed") or {}
    if said.get("reason") == "DeadlineExceeded":
        limit = (job.get("spec") or {}).get("activeDeadlineSeconds")
        return Verdict(state="timed out", message=f"took longer than {limit} s, all attempts together", attempts=attempts)
    ended = _ended_badly(mine)
    if not ended:
        return Verdict(state="failed", message=one_line(str(said.get("message") or said.get("reason") or "failed")), attempts=attempts)
    last = ended[-1]
    how = [how_it_ended(pod) for pod in ended]
    same = len(set(how)) == 1
    message = times(how[-1], len(how)) if same else f"{how[-1]}, at attempt {attempts} of {_allowed(job)}"
    found = ask.failed_end(last)
    return Verdict(state="timed out" if found and took_longer(found[1]) else "failed", message=message, attempts=attempts)


def _between(job: Object, mine: Sequence[Object]) -> str:
    ended = _ended_badly(mine)
    if any(ask.is_leaving(pod) and pod not in ended for pod in mine):
        return "waiting for its pod to go"
    if not ended:
        return "waiting for its pod"
    how = how_it_ended(ended[-1])
    if len(ended) >= _allowed(job):
        return f"ending: {how}"
    return f"attempt {len(ended)} of {_allowed(job)} is over: {how}; the next follows"


def _ended_badly(mine: Sequence[Object]) -> list[Object]:
    return [pod for pod in mine if ask.phase(pod) == "Failed" and not ask.is_disrupted(pod)]


def _attempts(job: Object, mine: Sequence[Object]) -> int:
    """Disrupted pods are no attempts: they are neither counted by the Job (podFailurePolicy) nor here."""
    counted = int((job.get("status") or {}).get("failed") or 0)
    failed = max(counted, len(_ended_badly(mine)))
    goes_on = any(ask.phase(pod) in {"Pending", "Running", "Succeeded"} and not ask.is_disrupted(pod) for pod in mine)
    return max(failed + (1 if goes_on else 0), 1)


def _allowed(job: Object) -> int:
    limit = (job.get("spec") or {}).get("backoffLimit")
    return int(6 if limit is None else limit) + 1  # 6 is Kubernetes' own default
