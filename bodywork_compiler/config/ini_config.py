"""`bodywork.ini` with a `config.ini` and a `requirements.txt` per stage → its Project and its problems."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodywork_compiler import names
from bodywork_compiler.config import dag, ini_reader, reading, rules, schema
from bodywork_compiler.config.faults import Fault, located, shown
from bodywork_compiler.config.ini_reader import IniPlaces
from bodywork_compiler.config.reading import UnreadableError, as_typed, read_text
from bodywork_compiler.config.rules import STARTUP_SECONDS_FOR_0, leaves_project, missing_files, namespace_for, relative
from bodywork_compiler.problems import Problem, has_errors
from bodywork_compiler.project import Batch, Project, SecretVariable, Service, Stage

CONFIG, REQUIREMENTS = "config.ini", "requirements.txt"
_OTHER = {"batch": "service", "service": "batch"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFiles:
    """What a stage's files say; `problems` are theirs. `requirements_file` is None where nothing is to be installed."""

    values: Mapping[str, Any]
    problems: list[Problem]
    requirements_file: str | None = None

    @property
    def is_service(self) -> bool:
        return self.kind == "service"

    @property
    def kind(self) -> object:
        return self.values.get("default", {}).get("STAGE_TYPE")

    def executable(self, name: str) -> str | None:
        """The stage's Python file, as a path in the project."""
        script = self.values.get("default", {}).get("EXECUTABLE_SCRIPT")
        return relative(f"{name}/{script}") if script else None


def read(project: Path, stage: str) -> StageFiles:
    config = project / stage / CONFIG
    shown_name = as_typed(config)
    requirements_file, problems = _requirements(project, stage)
    try:
        text = read_text(config)
        sections, faults = ini_reader.parse(text)
    except UnreadableError as fault:
        return StageFiles(values={}, problems=[*fault.problems(shown_name), *problems])
    values = ini_reader.typed(sections, schema.schema_named("stage-ini"))
    kind = values.get("default", {}).get("STAGE_TYPE")
    faults += _sections(values, kind)
    values.pop(_OTHER.get(str(kind), ""), None)
    values["secrets"] = {variable: secret.lower() for variable, secret in values.get("secrets", {}).items()}
    faults += ini_reader.softened(schema.schema_faults("stage-ini", values), faults)
    faults += _checks(values)
    if faults:
        problems += located(shown_name, faults, IniPlaces(text))
    return StageFiles(values=values, problems=problems, requirements_file=requirements_file)


def _requirements(project: Path, stage: str) -> tuple[str | None, list[Problem]]:
    path = project / stage / REQUIREMENTS
    try:
        lines = [line.strip() for line in read_text(path).splitlines()]
    except UnreadableError as fault:
        fault.hint = fault.hint or "make an empty one if the stage needs nothing"
        return None, fault.problems(as_typed(path))
    needs_any = any(line and not line.startswith("#") for line in lines)
    return (f"{stage}/{REQUIREMENTS}" if needs_any else None), []


def _sections(values: Mapping[str, Any], kind: object) -> Iterator[Fault]:
    """The section that the stage's type asks for, and no other."""
    if kind not in _OTHER:
        return
    other = _OTHER[str(kind)]
    if kind not in values:
        yield Fault(path=(), message=f"is missing, although STAGE_TYPE is {shown(kind)}", lacking=str(kind))
    if other in values:
        message = f"is not read, because STAGE_TYPE is {shown(kind)}"
        yield Fault(path=(other,), message=message, severity="warning", at_key=True)


def _checks(values: Mapping[str, Any]) -> Iterator[Fault]:
    script = values.get("default", {}).get("EXECUTABLE_SCRIPT")
    at = ("default", "EXECUTABLE_SCRIPT")
    if isinstance(script, str) and leaves_project(script):
        yield Fault(path=at, message=f"must be a file in the stage's folder, got {shown(script)}")
    elif isinstance(script, str) and "/" in relative(script):
        message = "runs in its own folder, where Bodywork 1 ran it in the stage's"
        yield Fault(path=at, message=message, hint="look at the relative paths that it opens", severity="warning")
    if values.get("service", {}).get("MAX_STARTUP_TIME_SECONDS") == 0:
        at = ("service", "MAX_STARTUP_TIME_SECONDS")
        yield Fault(path=at, message=f"0 is taken as {STARTUP_SECONDS_FOR_0}", severity="note")


_LOG_LEVELS = {"WARN": "WARNING", "FATAL": "CRITICAL", "NOTSET": "DEBUG"}


def to_project(values: Mapping[str, Any], stages: Mapping[str, StageFiles], config_file: str) -> Project:
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


_DAG = ("workflow", "DAG")
_WHAT_A_STAGE_IS = f"a stage is a folder with a {CONFIG}"


def load(file: reading.ConfigFile, *, check_files: bool) -> tuple[Project | None, list[Problem]]:
    """Its Project, unless there is an error in it, and all that is to be said, of the stages' files too."""
    path = file.folder / file.name
    file_name = reading.as_typed(path)
    text = reading.read_text(path)
    sections, faults = ini_reader.parse(text)
    values = ini_reader.typed(sections, schema.schema_named("ini"))
    faults += ini_reader.softened(schema.schema_faults("ini", values), faults)
    order = values.get("workflow", {}).get("DAG", "")
    folders = _stage_folders(file.folder)
    stages = {name: read(file.folder, name) for step in dag.steps(order) for name in step if name in folders}
    faults += _of_project(values.get("default", {}))
    faults += _of_order(order, values.get("default", {}), stages, folders)
    problems = located(file_name, faults, IniPlaces(text)) if faults else []
    problems += [problem for stage in stages.values() for problem in stage.problems]
    if check_files:
        scripts = ((stage.executable(name), f"{name}/{CONFIG}") for name, stage in stages.items())
        problems += missing_files(file.folder, scripts, lambda config: (reading.as_typed(file.folder / config), None, None))
    if has_errors(problems):
        return None, problems
    project = to_project(values, stages, file.name)
    return project, problems + rules.notes(file_name, project)


def _stage_folders(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob(f"*/{CONFIG}")}


def _of_project(default: Mapping[str, Any]) -> Iterator[Fault]:
    if default.get("PROJECT_NAME"):
        yield from rules.pipeline_faults(default["PROJECT_NAME"], ("default", "PROJECT_NAME"))
        yield from rules.namespace_faults(default["PROJECT_NAME"], ("default", "PROJECT_NAME"))
    if default.get("DOCKER_IMAGE"):
        yield from rules.image_faults(default["DOCKER_IMAGE"].lower(), ("default", "DOCKER_IMAGE"))


def _of_order(order: str, default: Mapping[str, Any], stages: Mapping[str, StageFiles], folders: set[str]) -> Iterator[Fault]:
    if not order:
        return
    is_service = {name: name in stages and stages[name].is_service for name in folders}
    yield from dag.faults(order, is_service, _DAG, what_a_stage_is=_WHAT_A_STAGE_IS)
    project = default.get("PROJECT_NAME", "")
    if names.clean(project):
        prefix = names.prefix_before_v3(project)
        yield from rules.stage_name_faults(_named(order, prefix, stages))
        yield from rules.prefix_faults(prefix, ("default", "PROJECT_NAME"), has_services=any(is_service.values()))


def _named(order: str, prefix: str, stages: Mapping[str, StageFiles]) -> Iterator[rules.Named]:
    mentioned = [name for step in dag.steps(order) for name in step]
    spans = dag.spans(order)
    for name, stage in stages.items():
        object_name, label = names.stage_names(name, prefix)
        yield rules.Named(
            name=name,
            object_name=object_name,
            label=label,
            is_service=stage.is_service,
            path=_DAG,
            times=mentioned.count(name),
            span=spans[name],
        )
