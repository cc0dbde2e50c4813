"""CronJobs whose runs are the controller's: made, read, changed where asked, run at once, deleted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from bodywork_compiler import labels
from bodywork_compiler.api import Api, Object
from bodywork_compiler.controller import runs
from bodywork_compiler.controller.runs import ControllerRun, applied_by, container_of, create, is_controllers, jobs_made_by, runs_of
from bodywork_compiler.controller.work import DEFAULT_RETRIES, Apply, SshKey, Work, deadline_seconds
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, as_word
from bodywork_compiler.manifests.kube_yaml import values as read_back
from bodywork_compiler.names import clean, shortened
from bodywork_compiler.runner.watching import label
from bodywork_compiler.runner.watching import name as name_of
from bodywork_compiler.values import value

LONGEST_NAME = (
    52  # its Jobs' names are eleven longer: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#cron-job-limitations
)
DEFAULT_TIME_ZONE = "Etc/UTC"
DEFAULT_HISTORY_LIMIT = 1
DryRun = Literal["client", "server"]


@value
class When:
    schedule: str
    time_zone: str = DEFAULT_TIME_ZONE
    suspend: bool = False
    history_limit: int = DEFAULT_HISTORY_LIMIT


@value
class NewCronjob:
    name: str
    work: Work
    when: When

    @property
    def manifest(self) -> str:
        when = self.when
        given = {"schedule": when.schedule, "time_zone": when.time_zone, "suspend": when.suspend, "history_limit": when.history_limit}
        return runs.cronjob(self.name, self.work, given)


@value
class Cronjob:
    """One that stands. `is_ours`: Bodywork's own image runs there, and not the ancestor's. Times as Kubernetes writes them."""

    name: str
    namespace: str
    schedule: str
    time_zone: str | None
    suspended: bool
    retries: int
    history_limit: int
    apply: Apply
    image: str
    ssh: SshKey | None
    token: str | None
    is_ours: bool
    last_scheduled: str | None = None
    last_successful: str | None = None


def object_name(given: str) -> str:
    """As the ancestor cleaned it. One that Kubernetes would refuse is refused here, with a proposal."""
    name = clean(given)
    if not name or len(name) > LONGEST_NAME:
        proposal = f" {shortened(name, LONGEST_NAME)} would do." if name else ""
        raise BodyworkError(
            f"--name {given}: must have 1 to {LONGEST_NAME} letters and digits, since its runs' names are longer.{proposal}"
        )
    return name


def create_cronjob(kubectl: Kubectl, new: NewCronjob) -> bool:
    """False: one of that name is there already, and nothing was changed."""
    return create(kubectl.in_namespace(new.work.namespace), new.manifest)


def list_cronjobs(api: Api) -> tuple[Cronjob, ...]:
    """By name; only those whose runs are the controller's, ours or the ancestor's."""
    found = api.list("CronJob", {})[0]
    return tuple(_read(each) for each in sorted(found, key=name_of) if is_controllers(job_spec_of(each)))


def find_cronjob(api: Api, name: str) -> Cronjob:
    return _read(_find(api, name))


def history(api: Api, name: str) -> tuple[ControllerRun, ...]:
    """Its runs that are still kept, the newest first."""
    jobs = jobs_made_by(api, _find(api, name))
    return runs_of(jobs, api.list("Pod", {"labelSelector": "batch.kubernetes.io/job-name"})[0]) if jobs else ()


def update_cronjob(kubectl: Kubectl, stands: Cronjob, wanted: NewCronjob, *, dry_run: DryRun | None = None) -> str:
    """Writes what differs, and that alone: what else was changed by hand stays. The ancestor's is replaced whole, since its image knows no `apply`."""
    told = [f"--dry-run={dry_run}", "--output=yaml"] if dry_run else []
    kubectl = kubectl.in_namespace(stands.namespace)
    if not stands.is_ours:
        return kubectl.run("replace", "-f", "-", *told, stdin=wanted.manifest).out
    patch = json.dumps({"spec": difference(stands, wanted)}, ensure_ascii=False)
    return kubectl.run("patch", f"cronjob/{stands.name}", "--type=strategic", f"--patch={patch}", *told).out


def difference(stands: Cronjob, wanted: NewCronjob) -> dict[str, Any]:
    """Of the CronJob's spec, as a strategic merge patch has it; empty when nothing differs."""
    when = wanted.when
    fields = {
        "schedule": (stands.schedule, when.schedule),
        "timeZone": (stands.time_zone, when.time_zone),
        "suspend": (stands.suspended, when.suspend),
        "successfulJobsHistoryLimit": (stands.history_limit, when.history_limit),
        "failedJobsHistoryLimit": (stands.history_limit, when.history_limit),
    }
    changed: dict[str, Any] = {name: now for name, (before, now) in fields.items() if before != now}
    job: dict[str, Any] = {"backoffLimit": wanted.work.retries} if stands.retries != wanted.work.retries else {}
    net = wanted.work.deadline_seconds
    if net != deadline_seconds(stands.apply.timeout, stands.retries):
        job["activeDeadlineSeconds"] = net
    if pod := _pod_difference(stands, wanted):
        job["template"] = {"spec": pod}
    return {**changed, **({"jobTemplate": {"spec": job}} if job else {})}


def _pod_difference(stands: Cronjob, wanted: NewCronjob) -> dict[str, Any]:
    """As the template has it: the key's way into the pod is three places there."""
    whole = job_spec_of(read_back(wanted.manifest)[0])["template"]["spec"]
    new = container_of({"template": {"spec": whole}})
    work = wanted.work
    keys = [key for key, differs in (("image", stands.image != work.image), ("args", stands.apply != work.apply)) if differs]
    if (work.ssh and stands.ssh != work.ssh) or (work.token and stands.token != work.token):
        keys += ["env", "volumeMounts"]
    container = {key: new[key] for key in keys}
    volumes = {"volumes": whole["volumes"]} if "env" in keys else {}
    return {**volumes, **({"containers": [{"name": runs.CONTAINER, **container}]} if container else {})}


def trigger(kubectl: Kubectl, cronjob: Cronjob, run: str) -> None:
    """A run of it now, whether it is suspended or not; the Job is its own as those that it makes."""
    kubectl.in_namespace(cronjob.namespace).run("create", "job", as_word(run), f"--from=cronjob/{cronjob.name}")


def run_name(cronjob: str, seconds: float) -> str:
    return f"{cronjob}-{int(seconds)}"


def delete_cronjob(kubectl: Kubectl, cronjob: Cronjob) -> None:
    """With its runs and their logs; one that is running is ended in good order."""
    kubectl.in_namespace(cronjob.namespace).run("delete", f"cronjob/{cronjob.name}", "--ignore-not-found", "--wait=false")


def _find(api: Api, name: str) -> Object:
    found = api.find("CronJob", name) or api.find("CronJob", clean(name))
    if found is None or not is_controllers(job_spec_of(found)):
        raise BodyworkError(f"Could not find cronjob={name}.", hint=_others(api))
    return found


def _others(api: Api) -> str:
    names = [each.name for each in list_cronjobs(api)]
    return f"In namespace {api.namespace}: {', '.join(names) if names else 'none'}."


def _read(cronjob: Object) -> Cronjob:
    spec, status, job = cronjob["spec"], cronjob.get("status") or {}, job_spec_of(cronjob)
    return Cronjob(
        name=name_of(cronjob),
        namespace=str(cronjob["metadata"].get("namespace", "")),
        schedule=str(spec.get("schedule", "")),
        time_zone=spec.get("timeZone"),
        suspended=bool(spec.get("suspend")),
        retries=int(job.get("backoffLimit", DEFAULT_RETRIES)),
        history_limit=int(spec.get("successfulJobsHistoryLimit", DEFAULT_HISTORY_LIMIT)),
        apply=applied_by(job),
        image=str(container_of(job).get("image", "")),
        ssh=_ssh_key(job),
        token=next((str(each["secretName"]) for each in _secrets(job, runs.TOKEN_VOLUME)), None),
        is_ours=label(cronjob, labels.CONTROLLER) is not None,
        last_scheduled=status.get("lastScheduleTime"),
        last_successful=status.get("lastSuccessfulTime"),
    )


def _ssh_key(job: Mapping[str, Any]) -> SshKey | None:
    for secret in _secrets(job, labels.SSH_VOLUME):
        if secret.get("items"):
            return SshKey(secret=str(secret["secretName"]), key=str(secret["items"][0]["key"]))
    return None


def _secrets(job: Mapping[str, Any], volume: str) -> Iterator[Mapping[str, Any]]:
    for each in job["template"]["spec"].get("volumes") or ():
        if each["name"] == volume and "secret" in each:
            yield each["secret"]


def job_spec_of(cronjob: Object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cronjob["spec"]["jobTemplate"]["spec"]
    return found
