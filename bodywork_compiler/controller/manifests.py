"""The Jobs and CronJobs of the controller as text: rendered from templates/, as everything is that Bodywork makes."""

from __future__ import annotations

from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.compiler.scalars import without_expansion
from bodywork_compiler.compiler.shared import USER_ID
from bodywork_compiler.controller.work import ACCOUNT, Work

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
