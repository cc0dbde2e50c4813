"""A pod as this machine runs it, read from manifests, whoever patched them on the way. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from bodywork_compiler import labels
from bodywork_compiler.manifests import KubeObject
from bodywork_compiler.values import value

Holder = Literal["Secret", "ConfigMap"]


@value
class Reference:
    """A key of a Secret or a ConfigMap; `key` is "" for all that it holds."""

    kind: Holder
    name: str
    key: str = ""
    optional: bool = False


@value
class Mount:
    path: str
    volume: str
    sub_path: str = ""


@value
class Container:
    """`env` in the order of the manifest, each variable with its text or where that is found; `env_from` comes before it."""

    name: str
    argv: tuple[str, ...]
    env: tuple[tuple[str, str | Reference], ...] = ()
    env_from: tuple[Reference, ...] = ()
    mounts: tuple[Mount, ...] = ()
    working_dir: str = ""


@value
class Volume:
    """`sources` hold its files, each with the file's name where one key is asked for; none: an empty folder."""

    name: str
    sources: tuple[tuple[Reference, str], ...] = ()


@value
class Workload:
    """A stage's Job or Deployment. `port` is the one that its startup is seen by, None for batch; `skipped` names containers that are not run here."""

    kind: str
    name: str
    stage: str
    step: int
    body: Mapping[str, Any]
    init: tuple[Container, ...]
    main: Container
    volumes: tuple[Volume, ...]
    port: int | None = None
    retries: int = 0
    deadline_seconds: int | None = None
    skipped: tuple[str, ...] = ()

    @property
    def is_service(self) -> bool:
        return self.kind != "Job"


@value
class Process:
    """What is started."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path


KINDS = ("Job", "Deployment")
USUAL_RETRIES = 6  # Kubernetes' own default
MACHINES_OWN = "/tmp"  # noqa: S108 - a program that names it in its code gets this machine's; so does one that is given it as an argument
_Body = Mapping[str, Any]


def workload_of(found: KubeObject, step: int) -> Workload:
    spec: _Body = found.body.get("spec") or {}
    pod: _Body = (spec.get("template") or {}).get("spec") or {}
    main, others = _main(pod.get("containers") or ())
    init = [each for each in pod.get("initContainers") or () if each.get("restartPolicy") != "Always"]
    sidecars = [each for each in pod.get("initContainers") or () if each not in init]
    return Workload(
        kind=found.kind,
        name=found.name,
        stage=found.stage or found.name,
        step=step,
        body=found.body,
        init=tuple(container_of(each) for each in init),
        main=container_of(main),
        volumes=tuple(_volume(each) for each in pod.get("volumes") or ()),
        port=_port(main) if found.kind != "Job" else None,
        retries=_number(spec.get("backoffLimit"), USUAL_RETRIES),
        deadline_seconds=spec.get("activeDeadlineSeconds"),
        skipped=tuple(str(each.get("name")) for each in (*sidecars, *others)),
    )


def container_of(body: _Body) -> Container:
    return Container(
        name=str(body.get("name", "")),
        argv=tuple(map(str, (*(body.get("command") or ()), *(body.get("args") or ())))),
        env=tuple(_variable(each) for each in body.get("env") or () if _is_known(each)),
        env_from=tuple(reference for each in body.get("envFrom") or () for reference in _whole(each)),
        mounts=tuple(
            Mount(path=str(each.get("mountPath")).rstrip("/"), volume=str(each.get("name")), sub_path=str(each.get("subPath") or ""))
            for each in body.get("volumeMounts") or ()
            if each.get("mountPath") != MACHINES_OWN
        ),
        working_dir=str(body.get("workingDir") or ""),
    )


def references(workload: Workload) -> Iterator[tuple[Reference, str]]:
    """All that a pod of it reads, with the container or volume that does."""
    for container in (*workload.init, workload.main):
        yield from ((each, container.name) for each in container.env_from)
        yield from ((each, container.name) for _, each in container.env if isinstance(each, Reference))
    for volume in workload.volumes:
        yield from ((each, volume.name) for each, _ in volume.sources)


def _main(containers: Sequence[_Body]) -> tuple[_Body, Sequence[_Body]]:
    """The stage's own; an overlay may have put others beside it."""
    main = next((each for each in containers if each.get("name") == labels.MAIN), containers[0] if containers else {})
    return main, [each for each in containers if each is not main]


def _variable(body: _Body) -> tuple[str, str | Reference]:
    source: _Body = body.get("valueFrom") or {}
    name = str(body.get("name"))
    for key, kind in (("secretKeyRef", "Secret"), ("configMapKeyRef", "ConfigMap")):
        if source.get(key):
            return name, _reference(kind, source[key])
    return name, str(body.get("value") or "")


def _is_known(body: _Body) -> bool:
    """What a pod is told of itself (fieldRef, resourceFieldRef) has no meaning here."""
    source: _Body = body.get("valueFrom") or {}
    return not source or "secretKeyRef" in source or "configMapKeyRef" in source


def _whole(body: _Body) -> Iterator[Reference]:
    for key, kind in (("secretRef", "Secret"), ("configMapRef", "ConfigMap")):
        if body.get(key):
            yield _reference(kind, body[key])


def _reference(kind: str, body: _Body, name_key: str = "name") -> Reference:
    return Reference(
        kind="Secret" if kind == "Secret" else "ConfigMap",
        name=str(body.get(name_key) or ""),
        key=str(body.get("key") or ""),
        optional=bool(body.get("optional")),
    )


def _volume(body: _Body) -> Volume:
    """Of Secrets and ConfigMaps, alone or projected; all others (emptyDir) begin empty."""
    sources = [body, *((body.get("projected") or {}).get("sources") or ())]
    return Volume(name=str(body.get("name")), sources=tuple(found for each in sources for found in _files(each)))


def _files(body: _Body) -> Iterator[tuple[Reference, str]]:
    for key, kind, name_key in (("secret", "Secret", "secretName"), ("configMap", "ConfigMap", "name")):
        if not body.get(key):
            continue
        whole = _reference(kind, body[key], name_key if body[key].get(name_key) else "name")
        items = body[key].get("items")
        if not items:
            yield whole, ""
        for item in items or ():
            one = Reference(kind=whole.kind, name=whole.name, key=str(item.get("key")), optional=whole.optional)
            yield one, str(item.get("path") or item.get("key"))


def _port(main: _Body) -> int | None:
    probed = ((main.get("startupProbe") or main.get("readinessProbe") or {}).get("tcpSocket") or {}).get("port")
    ports = main.get("ports") or ()
    first = ports[0].get("containerPort") if ports else None
    found = probed if isinstance(probed, int) else first
    return int(found) if found is not None else None


def _number(said: object, usual: int) -> int:
    return int(said) if isinstance(said, int) else usual
