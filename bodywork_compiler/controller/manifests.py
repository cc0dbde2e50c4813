"""The Jobs and CronJobs of the controller as text: rendered from templates/, as everything is that Bodywork makes."""

from __future__ import annotations

import shlex
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.compiler.engine import Engine
from bodywork_compiler.compiler.scalars import without_expansion
from bodywork_compiler.compiler.shared import USER_ID
from bodywork_compiler.controller.work import ACCOUNT, SshKey, Work

KEPT_SECONDS = 24 * 3600  # a Job of --async, and its log, after its end
SSH_FOLDER = "/opt/bodywork/ssh"
_SCRATCH = (("HOME", "/tmp/home"), ("TMPDIR", "/tmp"), ("XDG_CACHE_HOME", "/tmp/cache"))  # noqa: S108 - in the pod, a volume of its own


def job(name: str, work: Work) -> str:
    return Engine().render("controller-job", {**_common(name, work, labels.CONTROLLER_ASYNC), "kept_seconds": KEPT_SECONDS})


def cronjob(name: str, work: Work, when: dict[str, Any]) -> str:
    """`when`: schedule, time_zone, suspend and history_limit."""
    return Engine().render("controller-cronjob", {**_common(name, work, labels.CONTROLLER_SCHEDULED), "kept_seconds": None, **when})


def _common(name: str, work: Work, kind: str) -> dict[str, Any]:
    return {
        "name": name,
        "namespace": work.namespace,
        "labels": (("app.kubernetes.io/managed-by", "bodywork"), (labels.CONTROLLER, kind)),
        "annotations": (),
        "retries": work.retries,
        "service_account": ACCOUNT,
        "user_id": USER_ID,
        "image": work.image,
        "args": arguments(work),
        "env": environment(work),
        "ssh_secret": work.ssh.secret if work.ssh else None,
    }


def arguments(work: Work) -> tuple[str, ...]:
    return tuple(without_expansion(arg) for arg in work.args)


def environment(work: Work) -> tuple[tuple[str, str], ...]:
    return (*_SCRATCH, *((("GIT_SSH_COMMAND", _ssh_command(work.ssh)),) if work.ssh else ()))


def _ssh_command(key: SshKey) -> str:
    """The host is checked against the secret's own known_hosts and the image's; none is built in."""
    options = (
        "IdentitiesOnly=yes",
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={SSH_FOLDER}/{labels.SSH_KNOWN_HOSTS}",
    )
    return shlex.join(["ssh", "-i", f"{SSH_FOLDER}/{key.key}", *(word for option in options for word in ("-o", option))])
