"""Values of projects, as a config's reader gives them, with sensible rest: a test names only what it is about."""

from __future__ import annotations

from bodywork_compiler import names
from bodywork_compiler.compiler import RenderOptions, compile_project
from bodywork_compiler.manifests import Document
from bodywork_compiler.project import Batch, Project, SecretVariable, Service, Stage
from bodywork_compiler.source import Source

IMAGE = "python:3.11"
COMMIT = "25921e05" * 5
PUSHED = Source(commit=COMMIT, url="https://git.example.com/acme/iris.git", branch="feature/petals")

# what came back changed from one YAML reader or another, or from a pod
HOSTILE = (
    "",
    " ",
    "quotes ' \" and \\",
    "two\nlines\n",
    "\ttab\r\n",
    "{{ jinja }} {% raw %} {# #}",
    "$(HOME) $HOME $$ $$(HOME) ${x}",
    "key: value # no comment",
    "- item",
    "*alias &anchor !tag",
    "---",
    "emoji \N{PARTY POPPER} and \N{LATIN SMALL LETTER E WITH ACUTE}",
    "next line \x85, line separator \u2028, no-break space \xa0, BOM \ufeff",
    "delete \x7f, C1 \x80\x9f, bell \x07, escape \x1b",
    "\ud7ff\ue000\uffef",
    *(
        "y",
        "N",
        "no",
        "on",
        "null",
        "~",
        "true",
        "0o17",
        "012",
        "0x1f",
        "1e3",
        "1_000",
        ".inf",
        "12:30:45",
        "25921e05",
        "2026-11-21",
        "<<",
        "=",
    ),
    "x" * 10_000,
    "long words " * 1_000,
)


def batch(name: str = "train", *, seconds: int = 60, retries: int = 0, **others: object) -> Stage:
    return _stage(name, Batch(max_completion_time_seconds=seconds, retries=retries), others)


def service(
    name: str = "serve", *, startup: int = 30, replicas: int = 1, port: int = 5000, ingress: bool = False, **others: object
) -> Stage:
    work = Service(max_startup_time_seconds=startup, replicas=replicas, port=port, ingress=ingress)
    return _stage(name, work, others)


def secret(variable: str, name: str = "aws", key: str | None = None) -> SecretVariable:
    return SecretVariable(variable=variable, secret=name, key=variable if key is None else key)


def project(*stages: Stage, dag: str | None = None, on_failure: Stage | None = None, **others: object) -> Project:
    """A pipeline of these stages: one a step, or in the order of `dag`."""
    dag = dag or " >> ".join(stage.name for stage in stages)
    steps = tuple(tuple(name.strip() for name in step.split(",")) for step in dag.split(">>"))
    name = str(others.get("name", "iris"))
    given = {
        "name": name,
        "object_name": names.pipeline_object_name(name),
        "generation": "1.1",
        "config_file": "bodywork.yaml",
        "image": IMAGE,
        "steps": steps,
        "stages": (*stages, *([on_failure] if on_failure else [])),
        "dag": dag,
        "failure_stage": on_failure.name if on_failure else None,
        **others,
    }
    return Project(**given)


def compiled(*stages: Stage, source: Source = PUSHED, options: RenderOptions | None = None, **others: object) -> tuple[Document, ...]:
    return compile_project(project(*stages, **others), source, options)


def _stage(name: str, work: Batch | Service, others: dict[str, object]) -> Stage:
    given = {
        "name": name,
        "object_name": names.clean(name),
        "label": names.clean(name),
        "executable": f"{name}/main.py",
        "work": work,
        "image": IMAGE,
        **others,
    }
    return Stage(**given)
