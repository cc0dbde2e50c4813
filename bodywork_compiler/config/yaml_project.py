"""The checked values of `bodywork.yaml`, versions 1.0 to 1.2 → Project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from bodywork_compiler import names
from bodywork_compiler.config import dag
from bodywork_compiler.config.meaning import STARTUP_SECONDS_FOR_0, namespace_for, relative
from bodywork_compiler.config.yaml_version import SECTIONS, stage_names
from bodywork_compiler.project import Batch, Generation, Project, SecretVariable, Service, Stage

_Values = Mapping[str, Any]


def project(values: _Values, version: str, config_file: str) -> Project:
    pipeline = values[SECTIONS[version]]
    steps = dag.steps(pipeline["DAG"])
    failure_stage = pipeline.get("run_on_failure") or None
    used = {name for step in steps for name in step} | {failure_stage}
    name, image = pipeline["name"], pipeline["docker_image"]
    return Project(
        name=name,
        object_name=names.pipeline_object_name(name),
        generation=cast("Generation", version),
        config_file=config_file,
        image=image,
        steps=steps,
        stages=tuple(
            _stage(key, stage, image, stage_names(key, pipeline, version)) for key, stage in values["stages"].items() if key in used
        ),
        dag=pipeline["DAG"].strip(),
        failure_stage=failure_stage,
        namespace=pipeline.get("namespace") or namespace_for(name),
        secrets_group=pipeline.get("secrets_group") or None,
        log_level=values["logging"]["log_level"],
        env=_env(pipeline),
        image_pull_secrets=tuple(pipeline.get("image_pull_secrets", ())),
        pod_security=pipeline.get("pod_security", "restricted"),
        installer=pipeline.get("installer", "auto"),
    )


def _stage(name: str, stage: _Values, image: str, called: names.StageNames) -> Stage:
    requirements = stage.get("requirements", ())
    is_file = isinstance(requirements, str)
    return Stage(
        name=name,
        object_name=called.object_name,
        label=called.label,
        executable=relative(stage["executable_module_path"]),
        work=_batch(stage["batch"]) if "batch" in stage else _service(stage["service"]),
        image=stage.get("image", image),
        args=tuple(stage.get("args", ())),
        env=_env(stage),
        secrets=tuple(SecretVariable(variable=key, secret=secret, key=key) for key, secret in stage.get("secrets", {}).items()),
        requirements=() if is_file else tuple(requirements),
        requirements_file=relative(requirements) if is_file else None,
        cpu_request=_cores(stage["cpu_request"]),
        memory_request_mb=int(stage["memory_request_mb"]),
        cpu_limit=stage.get("cpu_limit"),
        memory_limit_mb=int(stage["memory_limit_mb"]) if "memory_limit_mb" in stage else None,
        **({"disk_limit_mb": int(stage["disk_limit_mb"])} if "disk_limit_mb" in stage else {}),
    )


def _batch(batch: _Values) -> Batch:
    return Batch(max_completion_time_seconds=int(batch["max_completion_time_seconds"]), retries=int(batch["retries"]))


def _service(service: _Values) -> Service:
    return Service(
        max_startup_time_seconds=int(service["max_startup_time_seconds"]) or STARTUP_SECONDS_FOR_0,
        replicas=int(service["replicas"]),
        port=int(service["port"]),
        ingress=service["ingress"],
    )


def _env(values: _Values) -> tuple[tuple[str, str], ...]:
    return tuple(values.get("env", {}).items())


def _cores(cpu: float) -> float:
    return int(cpu) if isinstance(cpu, bool) else cpu
