"""The variables of a stage's pod: `pod.yaml.j2`, whether in a Job or in a Deployment."""

from __future__ import annotations

from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.compiler import limits
from bodywork_compiler.compiler.scalars import without_expansion
from bodywork_compiler.compiler.shared import SHORT_HASH_LENGTH, Shared
from bodywork_compiler.project import Batch, SecretVariable, Stage

NOTEBOOK_SUFFIX = ".ipynb"
NOTEBOOK_MODULES = "nbclient nbformat ipykernel"
FIRST_UNPRIVILEGED_PORT = 1024
PIP_PREFIXES = ("PIP_", "UV_")


def pod_variables(shared: Shared, stage: Stage, label: str, *, on_failure: bool = False) -> dict[str, Any]:
    """What `pod.yaml.j2` is given for this stage; `label` is its value of the label `bodywork/stage`."""
    identity = ((labels.PIPELINE, shared.pipeline), (labels.STAGE, label))
    port = None if isinstance(stage.work, Batch) else stage.work.port
    of_stage = {variable: without_expansion(value) for variable, value in stage.env}
    secret_names = {secret.variable for secret in stage.secrets}
    own = {**shared.env, **_own_env(shared, stage), **of_stage}
    if on_failure:
        own[labels.EXCEPTION_MESSAGE] = ""
    return {
        **shared.pod,
        "selector": identity,
        "pod_labels": (*identity, *shared.others_labels(label)),
        "image": stage.image,
        "restart_policy": "Never" if port is None else "Always",
        "port": port,
        "low_port": port is not None and port < FIRST_UNPRIVILEGED_PORT,
        "requests": limits.requests(stage),
        "limits": limits.limits(stage),
        "disk_limit": limits.disk_limit(stage),
        "fetch_env": shared.fetch_env,
        **_install_variables(shared, stage, of_stage),
        "args": [without_expansion(arg) for arg in (stage.executable, *stage.args)],
        "stage_env": [pair for pair in own.items() if pair[0] not in secret_names],
        "secrets": _secrets(stage.secrets),
        "services_names": shared.services_names,
    }


def _own_env(shared: Shared, stage: Stage) -> dict[str, str]:
    """What Bodywork tells a stage; the config's `env` may say otherwise."""
    own = {"GIT_COMMIT_HASH": shared.source.commit[:SHORT_HASH_LENGTH], **_secret_variables(stage.secrets)}
    if isinstance(stage.work, Batch):
        if stage.work.max_completion_time_seconds:
            own["BODYWORK_TIME_LIMIT_SECONDS"] = str(stage.work.max_completion_time_seconds)
    else:
        own["BODYWORK_SERVICE_PORT"] = str(stage.work.port)
    return own


def _install_variables(shared: Shared, stage: Stage, of_stage: dict[str, str]) -> dict[str, Any]:
    """Arguments and environment of `install`; `install_args` is None where the stage needs nothing installed, and then there is none."""
    is_notebook = stage.executable.endswith(NOTEBOOK_SUFFIX)
    if not (stage.requirements or stage.requirements_file or is_notebook):
        return {"install_args": None}
    wanted = ("--requirement", stage.requirements_file) if stage.requirements_file else stage.requirements
    secrets = tuple(secret for secret in stage.secrets if secret.variable.startswith(PIP_PREFIXES))
    modules = {"BODYWORK_INSTALL_IF_MISSING": NOTEBOOK_MODULES} if is_notebook else {}
    installer = {} if shared.project.installer == "auto" else {"BODYWORK_INSTALLER": shared.project.installer}
    env = {**shared.env, **installer, **modules, **_secret_variables(secrets), **of_stage}
    secret_names = {secret.variable for secret in secrets}
    return {
        "install_args": [without_expansion(word) for word in wanted],
        "install_env": [pair for pair in env.items() if pair[0] not in secret_names],
        "install_secrets": _secrets(secrets),
    }


def _secrets(secrets: tuple[SecretVariable, ...]) -> tuple[tuple[str, str, str], ...]:
    return tuple((secret.variable, secret.secret, secret.key) for secret in secrets)


def _secret_variables(secrets: tuple[SecretVariable, ...]) -> dict[str, str]:
    """For the start scripts, which mask these variables' values in what the container prints."""
    return {labels.SECRET_VARIABLES: " ".join(secret.variable for secret in secrets)} if secrets else {}
