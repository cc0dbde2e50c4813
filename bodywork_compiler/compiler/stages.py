"""The objects of one stage: a Job, or a Deployment with its Service and perhaps an Ingress; and their pod."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.compiler import options
from bodywork_compiler.compiler.options import DEFAULT_INGRESS_CLASS
from bodywork_compiler.compiler.scalars import without_expansion
from bodywork_compiler.compiler.shared import REVISION_HISTORY_LIMIT, SHORT_HASH_LENGTH, Pairs, Place, Shared
from bodywork_compiler.compiler.writer import Writer
from bodywork_compiler.manifests import Document
from bodywork_compiler.project import Batch, SecretVariable, Service, Stage

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
        "requests": options.requests(stage),
        "limits": options.limits(stage),
        "disk_limit": options.disk_limit(stage),
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


def stage_documents(shared: Shared, place: Place, writer: Writer) -> Iterator[Document]:
    work = place.stage.work
    if isinstance(work, Batch):
        yield _job(shared, place, work, writer)
    else:
        yield from _service(shared, place, work, writer)


def _job(shared: Shared, place: Place, batch: Batch, writer: Writer) -> Document:
    on_failure = place.step is None
    variables = {
        **_metadata(
            shared, place, (*shared.commit_annotations, *_seconds(labels.MAX_COMPLETION, batch.max_completion_time_seconds)), is_job=True
        ),
        **pod_variables(shared, place.stage, place.label, on_failure=on_failure),
        # as a hook it is run by Argo CD alone, and only when a sync has failed
        "suspend": on_failure and not shared.options.argo_cd,
        "retries": batch.retries,
        "active_deadline_seconds": options.active_deadline_seconds(batch),
    }
    return writer.write("job", variables, path=f"{place.folder}job.yaml", step=place.step, stage=place.label)


def _service(shared: Shared, place: Place, service: Service, writer: Writer) -> Iterator[Document]:
    startup_seconds = options.startup_seconds(service.max_startup_time_seconds)
    pod = pod_variables(shared, place.stage, place.label)
    deployment = {
        **_metadata(shared, place, (*shared.commit_annotations, *_seconds(labels.MAX_STARTUP, startup_seconds))),
        **pod,
        "replicas": service.replicas,
        "revision_history_limit": REVISION_HISTORY_LIMIT,
        "startup_seconds": startup_seconds,
        "progress_deadline_seconds": startup_seconds + options.PREPARATION_SECONDS,
    }
    yield writer.write("deployment", deployment, path=f"{place.folder}deployment.yaml", step=place.step, stage=place.label)
    address = {**_metadata(shared, place), "selector": pod["selector"], "port": service.port}
    yield writer.write("service", address, path=f"{place.folder}service.yaml", step=place.step, stage=place.label)
    if service.ingress:
        route = {**_metadata(shared, place, _of_route(shared)), **_route(shared, place), "port": service.port}
        yield writer.write("ingress", route, path=f"{place.folder}ingress.yaml", step=place.step, stage=place.label)


def _metadata(shared: Shared, place: Place, annotations: Pairs = (), *, is_job: bool = False) -> dict[str, Any]:
    role = labels.ROLE_ON_FAILURE if place.step is None else None
    return {
        "name": place.object_name,
        "namespace": shared.namespace,
        "labels": shared.object_labels(step=place.step, stage=place.label, role=role),
        "annotations": (*shared.annotations, *annotations, *shared.wave(place.step, is_job=is_job)),
    }


def _seconds(key: str, seconds: int) -> Pairs:
    return ((key, str(seconds)),)


def _of_route(shared: Shared) -> Pairs:
    """Only this class is known to take the route's prefix away before the service sees the path."""
    rendered = (labels.RENDERED_NAMESPACE, shared.route_namespace)
    if shared.options.ingress_class != DEFAULT_INGRESS_CLASS:
        return (rendered,)
    return (rendered, ("nginx.ingress.kubernetes.io/use-regex", "true"), ("nginx.ingress.kubernetes.io/rewrite-target", "/$2"))


def _route(shared: Shared, place: Place) -> dict[str, str]:
    path = f"/{shared.route_namespace}/{place.object_name}"
    ingress_class = shared.options.ingress_class
    if ingress_class != DEFAULT_INGRESS_CLASS:
        return {"ingress_class": ingress_class, "ingress_path": path, "ingress_path_type": "Prefix"}
    # a regular expression is no path: https://kubernetes.github.io/ingress-nginx/faq/#validation-of-path
    return {"ingress_class": ingress_class, "ingress_path": f"{path}(/|$)(.*)", "ingress_path_type": "ImplementationSpecific"}
