"""What no JSON Schema can say about `bodywork.yaml`: its version, how its parts go together, and what Kubernetes makes of them.

Values may have any type here: the schema has said which have a wrong one, and they are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.config import dag, rules
from bodywork_compiler.config.faults import Fault, KeyPath, did_you_mean, shown
from bodywork_compiler.config.rules import STARTUP_SECONDS_FOR_0, leaves_project

# version -> what it calls the section of the pipeline as a whole
SECTIONS = {"1.0": "project", "1.1": "pipeline", "1.2": "pipeline"}
NEWEST_BY_SECTION = {"project": "1.0", "pipeline": "1.1"}


def judged_by(values: Mapping[str, Any]) -> tuple[str | None, Fault | None]:
    """The version to judge a file by, and what is wrong with the version that it gives.

    A file that says one version and is written in another is judged by the one it is written in, so that its other faults are found too;
    None where nothing can be said beyond the version.
    """
    version = values.get("version")
    section = next((name for name in NEWEST_BY_SECTION if name in values), None)
    if not isinstance(version, str):
        # the schema says that it is missing, or no text
        return _nearest(str(version), section), None
    if version not in SECTIONS:
        known = ", ".join(f'"{known}"' for known in SECTIONS)
        return None, Fault(path=("version",), message=f"must be one of {known}, got {shown(version)}")
    if section is None or SECTIONS[version] in values:
        return version, None
    meant = NEWEST_BY_SECTION[section]
    message = f'version "{version}" calls this section `{SECTIONS[version]}`, not `{section}`'
    hint = f'rename it, or say version: "{meant}"'
    return meant, Fault(path=(section,), message=message, hint=hint, at_key=True)


def _nearest(version: str, section: str | None) -> str:
    if version in SECTIONS and (section is None or SECTIONS[version] == section):
        return version
    return NEWEST_BY_SECTION.get(section or "", "1.1")


def stage_names(stage: str, pipeline: Mapping[str, Any], version: str) -> names.StageNames:
    """What a stage is called in Kubernetes; `pipeline` is the section of the pipeline as a whole."""
    return names.stage_names(stage, prefix(pipeline, version))


def prefix(pipeline: Mapping[str, Any], version: str) -> str:
    """What the names of all stages' objects begin with; it may be empty."""
    return names.prefix_before_v3(pipeline["name"]) if version == "1.0" else pipeline.get("name_prefix", "")


LONGEST_SECRET = 253
_Values = Mapping[str, Any]


def faults(values: _Values, version: str) -> Iterator[Fault]:
    section = SECTIONS[version]
    pipeline, stages = _mapping(values, section), _mapping(values, "stages")
    yield from _pipeline(pipeline, section)
    yield from _order(pipeline, stages, version)
    group = pipeline.get("secrets_group")
    for name, stage in stages.items():
        if isinstance(stage, dict):
            yield from _stage(stage, ("stages", name), group if isinstance(group, str) else "")


def _mapping(values: _Values, key: str) -> _Values:
    found = values.get(key)
    return found if isinstance(found, dict) else {}


def _pipeline(pipeline: _Values, section: str) -> Iterator[Fault]:
    name, image = pipeline.get("name"), pipeline.get("docker_image")
    if isinstance(name, str):
        yield from rules.pipeline_faults(name, (section, "name"))
        namespace = pipeline.get("namespace")
        given = isinstance(namespace, str) and bool(namespace)
        yield from rules.namespace_faults(str(namespace) if given else name, (section, "namespace" if given else "name"))
    if isinstance(image, str) and image:
        yield from rules.image_faults(image, (section, "docker_image"))


def _order(pipeline: _Values, stages: _Values, version: str) -> Iterator[Fault]:
    section = SECTIONS[version]
    is_service = {name: isinstance(stage, dict) and "service" in stage for name, stage in stages.items()}
    text = pipeline.get("DAG")
    times: Counter[str] = Counter()
    if isinstance(text, str) and text:
        yield from dag.faults(text, is_service, (section, "DAG"))
        times.update(name for step in dag.steps(text) for name in step)
    on_failure = pipeline.get("run_on_failure")
    if isinstance(on_failure, str) and on_failure:
        yield from _failure_stage(on_failure, is_service, (section, "run_on_failure"))
        times[on_failure] += 1  # its Job is one more beside those of the steps: NAME, or NAME-2
    if times:
        yield from _unused(stages, times)
    yield from _names(pipeline, {name: service for name, service in is_service.items() if name in times}, times, version)


def _names(pipeline: _Values, is_service: Mapping[str, bool], times: Mapping[str, int], version: str) -> Iterator[Fault]:
    given = {key: pipeline[key] if isinstance(pipeline.get(key), str) else "" for key in ("name", "name_prefix")}
    called = {name: stage_names(name, given, version) for name in is_service}
    yield from rules.stage_name_faults(
        rules.Named(
            name=name,
            object_name=called[name].object_name,
            label=called[name].label,
            is_service=service,
            path=("stages", name),
            times=times[name],
        )
        for name, service in is_service.items()
    )
    at = (SECTIONS[version], "name" if version == "1.0" else "name_prefix")
    yield from rules.prefix_faults(prefix(given, version), at, has_services=any(is_service.values()))


def _failure_stage(name: str, is_service: Mapping[str, bool], path: KeyPath) -> Iterator[Fault]:
    if name not in is_service:
        batches = [stage for stage, service in is_service.items() if not service]
        yield Fault(path=path, message=f"{shown(name)} is no stage", hint=did_you_mean(name, batches))
    elif is_service[name]:
        yield Fault(path=path, message=f"{shown(name)} is a service", hint="only a batch stage can run on failure: it has an end")


def _unused(stages: _Values, times: Mapping[str, int]) -> Iterator[Fault]:
    for name in stages:
        if name not in times:
            hint = None if dag.can_name(name) else "a DAG cannot name it: take blanks, `,` and `>>` out of the name"
            message = "no step of the DAG names this stage"
            yield Fault(path=("stages", name), message=message, hint=hint, severity="warning", at_key=True)


def _stage(stage: _Values, path: KeyPath, group: str) -> Iterator[Fault]:
    yield from _inside(stage.get("executable_module_path"), (*path, "executable_module_path"))
    yield from _inside(stage.get("requirements"), (*path, "requirements"))
    if isinstance(stage.get("image"), str):
        yield from rules.image_faults(stage["image"], (*path, "image"))
    yield from _secrets(stage, path, group)
    yield from _limits(stage, path)
    if stage.get("args") and str(stage.get("executable_module_path")).endswith(".ipynb"):
        yield Fault(path=(*path, "args"), message="a notebook takes no arguments: these are ignored", severity="warning", at_key=True)
    service = _mapping(stage, "service")
    if service.get("max_startup_time_seconds") == 0:
        at = (*path, "service", "max_startup_time_seconds")
        yield Fault(path=at, message=f"0 is taken as {STARTUP_SECONDS_FOR_0}", severity="note")


def _inside(file: object, path: KeyPath) -> Iterator[Fault]:
    if isinstance(file, str) and leaves_project(file):
        yield Fault(
            path=path, message=f"must be a path inside the project, got {shown(file)}", hint="paths are relative to the config's folder"
        )


def _secrets(stage: _Values, path: KeyPath, group: str) -> Iterator[Fault]:
    secrets = _mapping(stage, "secrets")
    env = _mapping(stage, "env")
    for variable, secret in secrets.items():
        at = (*path, "secrets", variable)
        if group and isinstance(secret, str) and len(group) + 1 + len(secret) > LONGEST_SECRET:
            yield Fault(path=at, message=f"with its group, this secret's name has more than {LONGEST_SECRET} characters")
        if variable in env:
            yield Fault(path=at, message=f"`env` sets {shown(variable)} too", hint="take one of the two away", at_key=True)


def _limits(stage: _Values, path: KeyPath) -> Iterator[Fault]:
    for limit, request in (("cpu_limit", "cpu_request"), ("memory_limit_mb", "memory_request_mb")):
        most, least = stage.get(limit), stage.get(request)
        if isinstance(most, (int, float)) and isinstance(least, (int, float)) and most < least:
            yield Fault(path=(*path, limit), message=f"must not be less than {request} ({least:g}), got {most:g}")
