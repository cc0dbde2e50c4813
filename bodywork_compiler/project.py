"""The values that a config means, in our users' words. Nothing here knows files, YAML or Kubernetes' objects."""

from __future__ import annotations

from typing import Literal

from bodywork_compiler.values import value

Generation = Literal["v1", "1.0", "1.1", "1.2"]
PodSecurity = Literal["restricted", "baseline", "none"]
Installer = Literal["auto", "uv", "pip"]


@value
class Batch:
    """A stage with an end.

    `max_completion_time_seconds` bounds one attempt of the stage's own code (0: no limit); `retries` are attempts after the first.
    """

    max_completion_time_seconds: int
    retries: int


@value
class Service:
    """A stage without an end, that answers on `port`. `max_startup_time_seconds` counts from the start of its own code, until it listens."""

    max_startup_time_seconds: int
    replicas: int
    port: int
    ingress: bool


@value
class SecretVariable:
    """An environment variable whose value is the key `key` of the Kubernetes secret `secret`."""

    variable: str
    secret: str
    key: str


@value
class Stage:
    """One Python file, and what it needs to run.

    `name` is as the config has it; `object_name` is what its Kubernetes objects are called, `label` is the same without a prefix that all
    stages share. `executable` is a path with `/`, relative to the
    project's folder. `requirements` are pip's specifiers; `requirements_file`, a path like `executable`, is used instead where it is given.
    CPU in cores, memory and disk in MB (10^6 bytes); 0 requests, None limits and a disk limit of 0 are left out of the manifests.
    """

    name: str
    object_name: str
    label: str
    executable: str
    work: Batch | Service
    image: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    secrets: tuple[SecretVariable, ...] = ()
    requirements: tuple[str, ...] = ()
    requirements_file: str | None = None
    cpu_request: float = 0
    memory_request_mb: int = 0
    cpu_limit: float | None = None
    memory_limit_mb: int | None = None
    disk_limit_mb: int = 20_000


@value
class Project:
    """A pipeline: its stages, and the steps that put them in order.

    `steps` holds names of stages (as in `stages`), step by step; `stages` are those of the steps and the failure stage, in the order of the
    config. `namespace` is None where the config leaves it open (then: the pipeline's name, lower-cased). `object_name` is the name cleaned for
    derived objects (`bodywork-OBJECT_NAME`). `env` is the pipeline's own, which every container gets.
    """

    name: str
    object_name: str
    generation: Generation
    config_file: str
    image: str
    steps: tuple[tuple[str, ...], ...]
    stages: tuple[Stage, ...]
    dag: str
    failure_stage: str | None = None
    namespace: str | None = None
    secrets_group: str | None = None
    log_level: str = "INFO"
    env: tuple[tuple[str, str], ...] = ()
    image_pull_secrets: tuple[str, ...] = ()
    pod_security: PodSecurity = "restricted"
    installer: Installer = "auto"

    def stage(self, name: str) -> Stage:
        """The stage of that name; a KeyError is a bug: the config was checked."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        raise KeyError(name)
