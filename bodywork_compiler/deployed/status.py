"""A pipeline's objects, pods and last runs → how it is doing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

from bodywork_compiler import labels
from bodywork_compiler.api import Api, Object, Refused
from bodywork_compiler.deployed.reading import Deployed
from bodywork_compiler.runner import lease, lock
from bodywork_compiler.runner.history import KEY, name_of
from bodywork_compiler.runner.run_records import RunRecord, from_text
from bodywork_compiler.runner.tracking import is_rendered
from bodywork_compiler.runner.verdict import STILL_KINDS, Situation, judge
from bodywork_compiler.runner.verdicts.values import NOT_WATCHED, any_condition
from bodywork_compiler.runner.watching import annotation, label, name

RUNNING = "running"


def runs_of(api: Api, deployed: Deployed, now: datetime | None = None) -> tuple[RunRecord, ...]:
    """The newest first. Who may not read Leases does not see a run that is under way."""
    kept = (each for each in deployed.of("ConfigMap") if each["metadata"]["name"] == name_of(deployed.pipeline))
    written = from_text((next(kept, {}).get("data") or {}).get(KEY))
    try:
        record = lease.record_of(api.find("Lease", labels.object_name(deployed.pipeline)))
    except Refused:
        return written
    holder = holding(record, now or datetime.now(timezone.utc))
    return (holder, *written) if holder and holder.id not in {each.id for each in written} else written


def holding(record: lease.Record | None, now: datetime) -> RunRecord | None:
    """The run that holds the lock: it is under way, or was cut off."""
    found = lease.cut_off(record)
    if record is None or found is None:
        return None
    is_dead = lease.is_dead(record.process, lock.this_process(), lock.start_of)
    return found if is_dead or lease.is_overdue(record, now) else replace(found, result=RUNNING, reason=None)


State = Literal["available", "not available", "succeeded", "failed", "running", "waits for a failure", "being deleted"]
LAST = 10**9  # where a stage without a step stands: after all others


@dataclass(frozen=True, slots=True, kw_only=True)
class StageStatus:
    """One stage, or a workload that is none (`step` None, as of the failure stage, which `is_on_failure`). `ready` of `wanted` pods: a service's. `started`, `ended`: a Job's. Times as Kubernetes writes them."""

    stage: str
    step: int | None
    kind: str
    name: str
    state: State
    message: str = ""
    ready: int | None = None
    wanted: int | None = None
    commit: str | None = None
    created: str | None = None
    started: str | None = None
    ended: str | None = None
    endpoint: str | None = None
    ingress_path: str | None = None
    is_on_failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """What manifests have brought along beside the stages: a database, a role. `namespace` None: it has none."""

    kind: str
    name: str
    namespace: str | None
    state: Literal["good", "not good", "there", "being deleted"]
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRun:
    """The last run as `history` has it; of a pipeline without a record, applied by kubectl perhaps, what its Jobs tell (`is_of_jobs`)."""

    started: str
    ended: str | None
    result: str
    reason: str | None = None
    by: str | None = None
    is_of_jobs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineStatus:
    pipeline: str
    namespace: str
    stages: tuple[StageStatus, ...]
    last_run: LastRun | None
    git_url: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    added: tuple[Added, ...] = ()


def status_of(deployed: Deployed, pods: Sequence[Object], runs: Sequence[RunRecord] = ()) -> PipelineStatus:
    stages = sorted(_stages(deployed, pods), key=lambda each: (LAST if each.step is None else each.step, each.stage))
    facts = _facts(deployed)
    return PipelineStatus(
        pipeline=deployed.pipeline,
        namespace=deployed.namespace,
        stages=tuple(stages),
        last_run=_as_recorded(runs[0]) if runs else last_run(stages),
        git_url=facts.get(labels.FACT_GIT_URL),
        git_branch=facts.get(labels.FACT_GIT_BRANCH),
        git_commit=facts.get(labels.FACT_GIT_COMMIT),
        added=tuple(_added(deployed, pods)),
    )


def is_good(status: PipelineStatus) -> bool:
    """Whether nothing is wrong: what runs, or waits for a failure, may yet become anything."""
    bad = {"failed", "not available", "not good", "being deleted"}
    states = [*(each.state for each in status.stages), *(each.state for each in status.added)]
    return not bad & {*states} and (status.last_run is None or status.last_run.result in {"succeeded", "running"})


def _as_recorded(run: RunRecord) -> LastRun:
    ended = None if run.result == "running" else moment(run.started) + timedelta(seconds=run.seconds)
    return LastRun(
        started=run.started,
        ended=ended.isoformat(timespec="seconds").replace("+00:00", "Z") if ended else None,
        result=run.result,
        reason=run.reason,
        by=run.by,
    )


def last_run(stages: Sequence[StageStatus]) -> LastRun | None:
    """From Jobs alone: a run makes them anew step by step, so those of later steps than the newest one's are of an earlier run."""
    jobs = [each for each in stages if each.kind == "Job" and each.started]
    if not jobs:
        return None
    newest = max(jobs, key=lambda each: str(each.started))
    place = LAST if newest.step is None else newest.step
    mine = [each for each in jobs if (each.step if each.step is not None else LAST) <= place]
    failed = any(each.state == "failed" for each in mine)
    ends = [each.ended for each in mine if each.ended]
    over = all(each.state in {"succeeded", "failed"} for each in mine)  # as the rows say; a Job's own end follows a second later
    return LastRun(
        started=min(str(each.started) for each in mine),
        ended=max(ends) if over and len(ends) == len(mine) else None,
        result="failed" if failed else "succeeded" if over else "running",
        is_of_jobs=True,
    )


def _facts(deployed: Deployed) -> Mapping[str, str]:
    """The data of the pipeline's ConfigMap: the one without a stage that knows the DAG, whatever an overlay calls it."""
    for each in deployed.of("ConfigMap"):
        data: Mapping[str, str] = each.get("data") or {}
        if labels.FACT_DAG in data:
            return data
    return {}


def _stages(deployed: Deployed, pods: Sequence[Object]) -> Iterator[StageStatus]:
    for each in filter(_is_stage, deployed.objects):
        yield _service(each, deployed, pods) if each["kind"] == "Deployment" else _batch(each, pods)


def _is_stage(obj: Object) -> bool:
    """One of a step, or the failure stage; a Deployment of the set-up is something that an overlay has added."""
    in_step = label(obj, labels.STEP) not in {None, str(labels.STEP_SETUP)} or label(obj, labels.ROLE) == labels.ROLE_ON_FAILURE
    return obj["kind"] in {"Deployment", "Job"} and in_step


def _added(deployed: Deployed, pods: Sequence[Object]) -> Iterator[Added]:
    """All without a place of Bodywork's own, and workloads that are no stage."""
    own = [each for each in deployed.objects if each["kind"] in {"Deployment", "Job"} or not is_rendered(each)]
    others = [each for each in own if not _is_stage(each) and annotation(each, labels.TRACKING)]
    for each in (*others, *deployed.added):
        verdict = judge(each, pods, (), Situation())
        is_still = each["kind"] in STILL_KINDS or verdict.message == NOT_WATCHED
        state: Literal["good", "not good", "there"] = "there" if is_still else "good" if verdict.state == "good" else "not good"
        yield Added(
            kind=each["kind"],
            name=name(each),
            namespace=each["metadata"].get("namespace"),
            state="being deleted" if _leaving(each) else state,
            message="" if is_still else verdict.message,
        )


def _service(deployment: Object, deployed: Deployed, pods: Sequence[Object]) -> StageStatus:
    verdict = judge(deployment, pods, (), Situation())
    states: dict[str, State] = {"good": "available", "failed": "failed", "timed out": "failed"}
    wanted = (deployment.get("spec") or {}).get("replicas")
    return StageStatus(
        **_common(deployment),
        state=_leaving(deployment) or states.get(verdict.state, "not available"),
        message=verdict.message,
        ready=int((deployment.get("status") or {}).get("readyReplicas") or 0),
        wanted=1 if wanted is None else int(wanted),
        endpoint=_endpoint(deployment, deployed),
        ingress_path=_ingress_path(deployment, deployed),
    )


def _batch(job: Object, pods: Sequence[Object]) -> StageStatus:
    status = job.get("status") or {}
    if label(job, labels.ROLE) == labels.ROLE_ON_FAILURE and (job.get("spec") or {}).get("suspend"):
        return StageStatus(**_common(job), state=_leaving(job) or "waits for a failure")
    verdict = judge(job, pods, (), Situation())
    states: dict[str, State] = {"good": "succeeded", "failed": "failed", "timed out": "failed"}
    ended = status.get("completionTime") or (any_condition(job, "Failed") or {}).get("lastTransitionTime")
    return StageStatus(
        **_common(job),
        state=_leaving(job) or states.get(verdict.state, "running"),
        message=verdict.message,
        started=status.get("startTime"),
        ended=ended,
    )


def _common(obj: Object) -> dict[str, Any]:
    step = label(obj, labels.STEP) or ""
    return {
        "stage": label(obj, labels.STAGE) or name(obj),
        "step": int(step) if step.isdecimal() else None,
        "is_on_failure": label(obj, labels.ROLE) == labels.ROLE_ON_FAILURE,
        "kind": obj["kind"],
        "name": name(obj),
        "commit": annotation(obj, labels.GIT_COMMIT),
        "created": obj["metadata"].get("creationTimestamp"),
    }


def _leaving(obj: Object) -> State | None:
    return "being deleted" if obj["metadata"].get("deletionTimestamp") else None


def _endpoint(deployment: Object, deployed: Deployed) -> str | None:
    for service in _of_the_same_stage("Service", deployment, deployed):
        for port in (service.get("spec") or {}).get("ports") or ():
            return f"http://{name(service)}.{deployed.namespace}.svc.cluster.local:{port['port']}"
    return None


def _ingress_path(deployment: Object, deployed: Deployed) -> str | None:
    for ingress in _of_the_same_stage("Ingress", deployment, deployed):
        for rule in (ingress.get("spec") or {}).get("rules") or ():
            for path in (rule.get("http") or {}).get("paths") or ():
                return str(path.get("path") or "/")
    return None


def _of_the_same_stage(kind: str, obj: Object, deployed: Deployed) -> list[Object]:
    return [each for each in deployed.of(kind) if label(each, labels.STAGE) == label(obj, labels.STAGE)]


def seconds_between(earlier: str, later: str | datetime) -> float:
    """Between two times as Kubernetes writes them."""
    end = later if isinstance(later, datetime) else moment(later)
    return max((end - moment(earlier)).total_seconds(), 0.0)


def moment(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00"))  # Python 3.10 does not know the Z
