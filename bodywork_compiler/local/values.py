"""A pod as this machine runs it: values read from manifests, whoever patched them on the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

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
