"""The objects of one stage: a Job, or a Deployment with its Service and perhaps an Ingress."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.compiler import limits
from bodywork_compiler.compiler.options import DEFAULT_INGRESS_CLASS
from bodywork_compiler.compiler.places import Place
from bodywork_compiler.compiler.pods import pod_variables
from bodywork_compiler.compiler.shared import REVISION_HISTORY_LIMIT, Pairs, Shared
from bodywork_compiler.compiler.writer import Writer
from bodywork_compiler.manifests import Document
from bodywork_compiler.project import Batch, Service


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
        "active_deadline_seconds": limits.active_deadline_seconds(batch),
    }
    return writer.write("job", variables, path=f"{place.folder}job.yaml", step=place.step, stage=place.label)


def _service(shared: Shared, place: Place, service: Service, writer: Writer) -> Iterator[Document]:
    startup_seconds = limits.startup_seconds(service.max_startup_time_seconds)
    pod = pod_variables(shared, place.stage, place.label)
    deployment = {
        **_metadata(shared, place, (*shared.commit_annotations, *_seconds(labels.MAX_STARTUP, startup_seconds))),
        **pod,
        "replicas": service.replicas,
        "revision_history_limit": REVISION_HISTORY_LIMIT,
        "startup_seconds": startup_seconds,
        "progress_deadline_seconds": startup_seconds + limits.PREPARATION_SECONDS,
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
