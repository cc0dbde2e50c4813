"""Runs in the cluster, once: what `create deployment --async` makes and `get deployment --async` lists."""

from __future__ import annotations

from bodywork_compiler.api import Api
from bodywork_compiler.controller import manifests
from bodywork_compiler.controller.creating import create
from bodywork_compiler.controller.runs import ControllerRun, jobs_made_by, runs_of
from bodywork_compiler.controller.work import Work
from bodywork_compiler.kubectl import Kubectl
from bodywork_compiler.values import value

NAME_PREFIX = "async-workflow-"


@value
class AsyncRun:
    """`name` is the Job's, whole."""

    name: str
    work: Work

    @property
    def manifest(self) -> str:
        return manifests.job(self.name, self.work)


def create_run(kubectl: Kubectl, run: AsyncRun) -> bool:
    """Makes the Job in the namespace of its work. False: one of that name is there already, and nothing was changed."""
    return create(kubectl.in_namespace(run.work.namespace), run.manifest)


def list_runs(api: Api) -> tuple[ControllerRun, ...]:
    """The Jobs in the namespace that `--async` made, here or by the ancestor, the newest first; not those of CronJobs."""
    jobs = jobs_made_by(api, None)
    return runs_of(jobs, api.list("Pod", {"labelSelector": _OF_JOBS})[0]) if jobs else ()


_OF_JOBS = "batch.kubernetes.io/job-name"
