"""The services that run on a cluster, whoever deployed them: Bodywork, or the ancestor in any of its versions. Pure but for the three lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bodywork_compiler import labels, names
from bodywork_compiler.api import Api, Object
from bodywork_compiler.deployed.reading import listed
from bodywork_compiler.runner.watching import annotation, label, name

KINDS = ("Deployment", "Service", "Ingress")
# on all that the ancestor made
ANCESTORS = "app=bodywork"
ANCESTORS_PIPELINE, ANCESTORS_STAGE, ANCESTORS_BRANCH, ANCESTORS_COMMIT = "deployment-name", "stage", "git-branch", "git-commit-hash"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningService:
    """A service stage's Deployment and what leads to it. The fields after `stage` are v3's, in its order."""

    deployment: str
    stage: str
    name: str
    namespace: str
    service_exposed: bool
    service_url: str | None
    service_port: int | None
    available_replicas: int
    unavailable_replicas: int
    git_url: str | None
    git_branch: str | None
    git_commit_hash: str | None
    has_ingress: bool
    ingress_route: str | None


def running_services(api: Api) -> list[RunningService]:
    """In the namespace of `api`, or in all of them; by namespace and name."""
    found = [*listed(api, labels.PIPELINE, KINDS), *listed(api, ANCESTORS, KINDS)]
    return sorted(services_among(found), key=lambda each: (each.namespace, each.deployment, each.name))


def objects_of(api: Api, service: RunningService) -> list[Object]:
    """What a service is made of, in the order in which it is taken away."""
    found = (api.find(kind, service.name) for kind in reversed(KINDS))
    return [each for each in found if each]


def services_among(objects: Sequence[Object]) -> Iterator[RunningService]:
    by_key = {(each["kind"], _namespace(each), name(each)): each for each in objects}
    for (kind, namespace, called), each in by_key.items():
        if kind == "Deployment":
            yield _service(each, by_key.get(("Service", namespace, called)), by_key.get(("Ingress", namespace, called)))


def _service(deployment: Object, service: Object | None, ingress: Object | None) -> RunningService:
    status = deployment.get("status") or {}
    port = next((int(each["port"]) for each in ((service or {}).get("spec") or {}).get("ports") or ()), None)
    where = f"{name(deployment)}.{_namespace(deployment)}.svc.cluster.local"
    return RunningService(
        deployment=_pipeline(deployment),
        stage=label(deployment, labels.STAGE) or label(deployment, ANCESTORS_STAGE) or name(deployment),
        name=name(deployment),
        namespace=_namespace(deployment),
        service_exposed=service is not None,
        service_url=f"http://{where}" if service else None,
        service_port=port,
        available_replicas=int(status.get("availableReplicas") or 0),
        unavailable_replicas=int(status.get("unavailableReplicas") or 0),
        git_url=annotation(deployment, labels.GIT_URL) or _ancestors_url(deployment),
        git_branch=annotation(deployment, labels.GIT_BRANCH) or label(deployment, ANCESTORS_BRANCH) or None,
        git_commit_hash=annotation(deployment, labels.GIT_COMMIT) or label(deployment, ANCESTORS_COMMIT) or None,
        has_ingress=ingress is not None,
        ingress_route=_route(ingress) if ingress else None,
    )


def _pipeline(deployment: Object) -> str:
    """v1 and v2 wrote it into the name alone: PROJECT--STAGE."""
    named = label(deployment, labels.PIPELINE) or label(deployment, ANCESTORS_PIPELINE)
    return named or name(deployment).partition(names.PROJECT_MARK)[0]


def _ancestors_url(deployment: Object) -> str | None:
    """`bodywork stage URL …`: it stood in the container's arguments alone."""
    containers = deployment.get("spec", {}).get("template", {}).get("spec", {}).get("containers") or ()
    return next((str(each["args"][0]) for each in containers if each.get("name") == "bodywork" and each.get("args")), None)


def _route(ingress: Object) -> str | None:
    paths = (path for rule in (ingress.get("spec") or {}).get("rules") or () for path in (rule.get("http") or {}).get("paths") or ())
    # the pattern by which nginx takes the rest of a path is no part of the route
    return next((str(path.get("path") or "/").partition("(")[0] for path in paths), None)


def _namespace(obj: Object) -> str:
    return str(obj["metadata"].get("namespace", ""))
