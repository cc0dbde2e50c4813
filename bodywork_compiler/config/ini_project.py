"""The checked values of a v1 project's ini files → Project."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.config import dag
from bodywork_compiler.config.ini_stage import StageFiles
from bodywork_compiler.config.meaning import STARTUP_SECONDS_FOR_0, namespace_for
from bodywork_compiler.project import Batch, Project, SecretVariable, Service, Stage

_LOG_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL", "NOTSET": "DEBUG"}


def project(values: Mapping[str, Any], stages: Mapping[str, StageFiles], config_file: str) -> Project:
    name = values["default"]["PROJECT_NAME"].lower()
    image = values["default"]["DOCKER_IMAGE"].lower()
    order = values["workflow"]["DAG"]
    level = values["logging"]["LOG_LEVEL"]
    return Project(
        name=name,
        object_name=names.pipeline_object_name(name),
        generation="v1",
        config_file=config_file,
        image=image,
        steps=dag.steps(order),
        stages=tuple(_stage(stage, files, project_name=name, image=image) for stage, files in stages.items()),
        dag=order.strip(),
        namespace=namespace_for(name),
        log_level=_LOG_LEVELS.get(level, level),
    )


def _stage(name: str, files: StageFiles, *, project_name: str, image: str) -> Stage:
    default = files.values["default"]
    secrets = files.values["secrets"].items()
    called = names.stage_names(name, names.prefix_before_v3(project_name))
    return Stage(
        name=name,
        object_name=called.object_name,
        label=called.label,
        executable=files.executable(name) or "",
        work=_work(files),
        image=image,
        secrets=tuple(SecretVariable(variable=variable, secret=secret, key=variable) for variable, secret in secrets),
        requirements_file=files.requirements_file,
        cpu_request=default["CPU_REQUEST"],
        memory_request_mb=default["MEMORY_REQUEST_MB"],
    )


def _work(files: StageFiles) -> Batch | Service:
    if not files.is_service:
        batch = files.values["batch"]
        return Batch(max_completion_time_seconds=batch["MAX_COMPLETION_TIME_SECONDS"], retries=batch["RETRIES"])
    service = files.values["service"]
    return Service(
        max_startup_time_seconds=service["MAX_STARTUP_TIME_SECONDS"] or STARTUP_SECONDS_FOR_0,
        replicas=service["REPLICAS"],
        port=service["PORT"],
        ingress=service.get("INGRESS") == "True",
    )
