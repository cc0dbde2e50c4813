"""`bodywork.yaml`, versions 1.0 to 1.2 → its Project and its problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from bodywork_compiler import names
from bodywork_compiler.config import dag, reading, rules, yaml_reader, yaml_rules
from bodywork_compiler.config.faults import Fault
from bodywork_compiler.config.rules import STARTUP_SECONDS_FOR_0, namespace_for, relative
from bodywork_compiler.config.schema import schema_faults, schema_named
from bodywork_compiler.config.yaml_rules import SECTIONS, stage_names
from bodywork_compiler.problems import Problem, has_errors
from bodywork_compiler.project import Batch, Generation, Project, SecretVariable, Service, Stage

_Values = Mapping[str, Any]


def to_project(values: _Values, version: str, config_file: str) -> Project:
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


# 1.2 is strict; what was written for the versions before may hold keys that nothing reads
_UNKNOWN_KEYS_ARE_ERRORS = {"1.2"}

_FILES = ("executable_module_path", "requirements")


def load(file: reading.ConfigFile, *, check_files: bool) -> tuple[Project | None, list[Problem]]:
    """Its Project, unless there is an error in it, and all that is to be said."""
    path = file.folder / file.name
    shown = reading.as_typed(path)
    document = yaml_reader.parse(reading.read_text(path))
    version, values, faults = _judged(document)
    problems = _placed(shown, faults, document) if faults else []
    if check_files:
        named = {who: (given, path) for given, who, path in _named_files(document.values)}

        def place(who: str) -> rules.NamedAt:
            (found,) = _placed(shown, [Fault(path=named[who][1], message="")], document)
            return found.file, found.line, found.column

        problems += rules.missing_files(file.folder, ((given, who) for who, (given, _) in named.items()), place)
    if version is None or has_errors(problems):
        return None, problems
    project = to_project(values, version, file.name)
    return project, problems + rules.notes(shown, project)


def _placed(file: str, faults: list[Fault], document: yaml_reader.Document) -> list[Problem]:
    from bodywork_compiler.config.faults import located
    from bodywork_compiler.config.yaml_errors import YamlPlaces

    return located(file, faults, YamlPlaces(document))


def _named_files(values: object) -> Iterator[tuple[object, str, tuple[str, ...]]]:
    stages = values.get("stages") if isinstance(values, dict) else None
    for name, stage in stages.items() if isinstance(stages, dict) else ():
        for key in _FILES if isinstance(stage, dict) else ():
            yield stage.get(key), f"stages.{name}.{key}", ("stages", name, key)


def _judged(document: yaml_reader.Document) -> tuple[str | None, Any, list[Fault]]:
    """The version that the file is judged by (None: it cannot be), its values without those that this version ignores, and its faults."""
    values = document.values
    if not isinstance(values, dict):
        return None, values, [Fault(path=(), message="a config must be a mapping with the keys version, pipeline, stages and logging")]
    version, wrong_version = yaml_rules.judged_by(values)
    faults = [] if wrong_version is None else [wrong_version]
    if version is None:
        return None, values, faults
    faults += (
        _softened(fault, version) if fault.unknown else fault
        for fault in schema_faults(version, values)
        if wrong_version is None or fault.path != ("version",)
    )
    values = _without(values, [(*fault.path, fault.unknown) for fault in faults if fault.unknown and fault.severity == "warning"])
    faults += yaml_rules.faults(values, version)
    if document.has_oddities:
        from bodywork_compiler.config import yaml_errors

        faults += yaml_errors.faults(document.root)
    return version, values, faults


def _without(values: dict[str, Any], ignored: list[tuple[Any, ...]]) -> dict[str, Any]:
    if not ignored:
        return values
    from copy import deepcopy

    values = deepcopy(values)
    for *path, key in ignored:
        mapping: Any = values
        for step in path:
            mapping = mapping[step]
        mapping.pop(key, None)  # gone already where an alias leads to the same mapping
    return values


def _softened(fault: Fault, version: str) -> Fault:
    """An unknown key, as this version takes it: an error or a warning, with the version that knows it if there is one."""
    hint = _newer(fault, version) or fault.hint
    if version in _UNKNOWN_KEYS_ARE_ERRORS:
        return replace(fault, hint=hint)
    return replace(fault, message=f"{fault.message} (ignored)", hint=hint, severity="warning")


def _newer(fault: Fault, version: str) -> str | None:
    for newer in yaml_rules.SECTIONS:
        if newer > version and fault.unknown in _keys(newer, fault.path):
            return f'it needs version: "{newer}"'
    return None


def _keys(version: str, path: tuple[Any, ...]) -> dict[str, Any]:
    """The keys that a version knows in the mapping at `path`."""
    schema = schema_named(version)
    if len(path) == 1 and path[0] in yaml_rules.SECTIONS.values():
        section = schema["properties"][yaml_rules.SECTIONS[version]]
        return dict(section["properties"])
    if len(path) == 2 and path[0] == "stages":  # noqa: PLR2004 - stages.NAME
        return dict(schema["$defs"]["stage"]["properties"])
    return {}
