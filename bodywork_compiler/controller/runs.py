"""The controller's Jobs: made for `--async` or by a CronJob, how they are doing, and what they print."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from bodywork_compiler import labels
from bodywork_compiler.api import Api, Object
from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.compiler.scalars import without_expansion
from bodywork_compiler.compiler.shared import USER_ID
from bodywork_compiler.controller.work import ACCOUNT, PROGRAM, Apply, Work, apply_in
from bodywork_compiler.deployed.logs import Following, Wanted, logs_of, read_logs
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed
from bodywork_compiler.kubectl_errors import is_there_already
from bodywork_compiler.runner.verdict import Situation, judge
from bodywork_compiler.runner.verdicts.pods import made_by, owner, phase, uid
from bodywork_compiler.runner.verdicts.values import any_condition
from bodywork_compiler.runner.watching import label, name
from bodywork_compiler.values import value

CONTAINER = "bodywork"
TOKEN_VOLUME = "https"  # noqa: S105 - a volume's name
KEPT_SECONDS = 24 * 3600  # a Job of --async, and its log, after its end
KEPT_SECONDS_OF_SCHEDULES = 30 * 24 * 3600  # beside the history limit, which a schedule that is suspended never comes to


def job(name: str, work: Work) -> str:
    return Engine().render("controller-job", {**_common(name, work, labels.CONTROLLER_ASYNC), "kept_seconds": KEPT_SECONDS})


def cronjob(name: str, work: Work, when: dict[str, Any]) -> str:
    """`when`: schedule, time_zone, suspend and history_limit."""
    return Engine().render(
        "controller-cronjob", {**_common(name, work, labels.CONTROLLER_SCHEDULED), "kept_seconds": KEPT_SECONDS_OF_SCHEDULES, **when}
    )


def _common(name: str, work: Work, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": work.namespace,
        "labels": (("app.kubernetes.io/managed-by", "bodywork"), (labels.CONTROLLER, kind)),
        "annotations": (),
        "retries": work.retries,
        "active_deadline_seconds": work.deadline_seconds,
        "service_account": ACCOUNT,
        "user_id": USER_ID,
        "image": work.image,
        "args": arguments(work),
        "ssh_secret": work.ssh.secret if work.ssh else None,
        "ssh_key": work.ssh.key if work.ssh else None,
        "token_secret": work.token,
    }


def arguments(work: Work) -> tuple[str, ...]:
    return tuple(without_expansion(arg) for arg in work.apply.args)


def create(kubectl: Kubectl, manifest: str) -> bool:
    """False: an object of that kind and name is there already."""
    result = kubectl.try_("create", "-f", "-", stdin=manifest)
    if result.exit_code != 0 and is_there_already(result.err):
        return False
    if result.exit_code != 0:
        raise KubectlFailed(result)
    return True


RunState = Literal["running", "succeeded", "failed"]
_STATES: dict[str, RunState] = {"good": "succeeded", "failed": "failed", "timed out": "failed"}


@value
class ControllerRun:
    """One Job. Times as Kubernetes writes them; `completed` is when it ended, well or badly. `message`: what it waits for, or why it failed."""

    name: str
    namespace: str
    state: RunState
    url: str
    branch: str | None
    created: str
    started: str | None = None
    completed: str | None = None
    active: int = 0
    succeeded: int = 0
    failed: int = 0
    message: str = ""


def runs_of(jobs: Sequence[Object], pods: Sequence[Object]) -> tuple[ControllerRun, ...]:
    """The newest first."""
    found = [_run(job, made_by(pods, uid(job))) for job in jobs]
    return tuple(sorted(found, key=lambda run: (run.created, run.name), reverse=True))


def _run(job: Object, pods: Sequence[Mapping[str, Any]]) -> ControllerRun:
    status = job.get("status") or {}
    verdict = judge(job, pods, (), Situation())
    about = applied_by(job["spec"])
    return ControllerRun(
        name=name(job),
        namespace=str(job["metadata"].get("namespace", "")),
        state=_STATES.get(verdict.state, "running"),
        url=about.url,
        branch=about.branch,
        created=str(job["metadata"].get("creationTimestamp", "")),
        started=status.get("startTime"),
        completed=status.get("completionTime") or (any_condition(job, "Failed") or {}).get("lastTransitionTime"),
        active=int(status.get("active") or 0),
        succeeded=int(status.get("succeeded") or 0),
        failed=int(status.get("failed") or 0),
        message=verdict.message,
    )


def is_controllers(job_spec: Mapping[str, Any]) -> bool:
    """Whether the pods of this Job run Bodywork, ours or the ancestor's: others may have theirs in the same namespace."""
    return bool((container_of(job_spec).get("command") or [""])[0] == PROGRAM)


def applied_by(job_spec: Mapping[str, Any]) -> Apply:
    container = container_of(job_spec)
    return apply_in([*(container.get("command") or ()), *(container.get("args") or ())])


def container_of(job_spec: Mapping[str, Any]) -> Mapping[str, Any]:
    pod = (job_spec.get("template") or {}).get("spec") or {}
    found: Mapping[str, Any] = next(iter(pod.get("containers") or ()), {})
    return found


def jobs_made_by(api: Api, cronjob: Object | None) -> list[Object]:
    """The controller's Jobs of one CronJob, told by who owns them and not by their names; None: those that no CronJob made."""
    jobs = [each for each in api.list("Job", {})[0] if is_controllers(each["spec"])]
    if cronjob is None:
        return [
            each for each in jobs if owner(each).get("kind") != "CronJob" and label(each, labels.CONTROLLER) != labels.CONTROLLER_SCHEDULED
        ]
    return [each for each in jobs if owner(each).get("uid") == uid(cronjob)]


def is_there(api: Api, run: str) -> bool:
    return _find(api, run) is not None


def delete_run(kubectl: Kubectl, run: str) -> None:
    """With its pods; one that is running ends its run in good order first."""
    kubectl.run("delete", f"job/{run}", "--ignore-not-found", "--wait=false")


def run_logs(api: Api, run: str, show: Callable[[str], None], *, follow: bool = False) -> None:
    """Every line that the run's pods have printed, the oldest attempt first; with `follow` until the run is over."""
    job = _find(api, run)
    if job is None:
        raise BodyworkError(f"Could not find run={run} in namespace={api.namespace}.")
    pods = _pods(api, job)
    if follow:
        Following(api, Wanted(), lambda _, line: show(line)).until_over(lambda: _pods_and_whether_more_come(api, run))
        return
    logs = logs_of(pods, Wanted())
    if not logs:
        why = judge(job, pods, (), Situation()).message
        raise BodyworkError(f"run={run} has printed nothing yet{f': {why}' if why else ''}", hint="Wait for it with --follow.")
    read_logs(api, logs, Wanted(), lambda _, line: show(line))


def _find(api: Api, run: str) -> Object | None:
    job = api.find("Job", run)
    return job if job and is_controllers(job["spec"]) else None


def _pods_and_whether_more_come(api: Api, run: str) -> tuple[Sequence[Object], bool]:
    job = api.find("Job", run)
    if job is None:
        return (), False
    pods = _pods(api, job)
    is_over = any_condition(job, "Complete") or any_condition(job, "Failed")
    return pods, not is_over or any(phase(pod) in {"Pending", "Running"} for pod in pods)


def _pods(api: Api, job: Object) -> list[Object]:
    return api.list("Pod", {"labelSelector": f"batch.kubernetes.io/controller-uid={uid(job)}"})[0]


NAME_PREFIX = "async-workflow-"


@value
class AsyncRun:
    """`name` is the Job's, whole."""

    name: str
    work: Work

    @property
    def manifest(self) -> str:
        return job(self.name, self.work)


def create_run(kubectl: Kubectl, run: AsyncRun) -> bool:
    """Makes the Job in the namespace of its work. False: one of that name is there already, and nothing was changed."""
    return create(kubectl.in_namespace(run.work.namespace), run.manifest)


def list_runs(api: Api) -> tuple[ControllerRun, ...]:
    """The Jobs in the namespace that `--async` made, here or by the ancestor, the newest first; not those of CronJobs."""
    jobs = jobs_made_by(api, None)
    return runs_of(jobs, api.list("Pod", {"labelSelector": _OF_JOBS})[0]) if jobs else ()


_OF_JOBS = "batch.kubernetes.io/job-name"
