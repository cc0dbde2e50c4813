"""An earlier config → the text of a bodywork.yaml 1.1 that means the same. Comments come along."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from bodywork_compiler.project import Batch, Project, Stage

NEW = "1.1"
_REQUIREMENT = re.compile(r"[A-Za-z0-9]")


def from_1_0(text: str) -> str:
    """Two words change, where they stand; everything else is kept byte by byte."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    places = [(key.start_mark.index, key.end_mark.index, "pipeline") for key, _ in root.value if key.value == "project"]
    places += [(value.start_mark.index, value.end_mark.index, f'"{NEW}"') for key, value in root.value if key.value == "version"]
    for start, end, word in sorted(places, reverse=True):
        text = f"{text[:start]}{word}{text[end:]}"
    return text


def from_v1(project: Project, requirements: Mapping[str, str], comments: Mapping[tuple[str, ...], list[str]]) -> str:
    """`requirements` are the stages' files as text, by stage; `comments` stand above the key at their path, () is the top."""
    stages = {stage.name: _stage(stage, requirements.get(stage.name, "")) for stage in project.stages}
    by_file = any(isinstance(each.get("requirements"), str) for each in stages.values())
    config = {
        # a file of requirements, with pip's options in it, is new in 1.2
        "version": "1.2" if by_file else NEW,
        "pipeline": {"name": project.name, "docker_image": project.image, "DAG": project.dag},
        "stages": stages,
        "logging": {"log_level": project.log_level},
    }
    return _with_comments("".join(yaml.safe_dump({key: part}, sort_keys=False, width=140) for key, part in config.items()), comments)


def _stage(stage: Stage, requirements: str) -> dict[str, Any]:
    found: dict[str, Any] = {"executable_module_path": stage.executable}
    if stage.requirements_file:
        lines = [line.strip() for line in requirements.splitlines() if line.strip() and not line.strip().startswith("#")]
        plain = all(_REQUIREMENT.match(line) and " #" not in line and not line.endswith("\\") for line in lines)
        found["requirements"] = lines if plain else stage.requirements_file
    found |= {"cpu_request": stage.cpu_request, "memory_request_mb": stage.memory_request_mb}
    if stage.secrets:
        found["secrets"] = {each.variable: each.secret for each in stage.secrets}
    work = stage.work
    if isinstance(work, Batch):
        return {**found, "batch": {"max_completion_time_seconds": work.max_completion_time_seconds, "retries": work.retries}}
    service = {
        "max_startup_time_seconds": work.max_startup_time_seconds,
        "replicas": work.replicas,
        "port": work.port,
        "ingress": work.ingress,
    }
    return {**found, "service": service}


def _with_comments(text: str, comments: Mapping[tuple[str, ...], list[str]]) -> str:
    """Each above its key. One whose key is gone goes to what its key stood in."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    lines_of = dict(_lines_of(root, ()))
    above: dict[int, list[str]] = {}
    for path, words in comments.items():
        known = next((path[:length] for length in range(len(path), 0, -1) if path[:length] in lines_of), None)
        above.setdefault(lines_of[known] if known else 0, []).extend(words)
    result: list[str] = []
    for number, line in enumerate(text.splitlines()):
        indent = line[: len(line) - len(line.lstrip())]
        result += [f"{indent}# {word}".rstrip() for word in above.get(number, [])]
        result.append(line)
    return "\n".join(result) + "\n"


def _lines_of(node: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], int]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    found = []
    for key, value in node.value:
        here = (*path, key.value)
        found += [(here, key.start_mark.line), *_lines_of(value, here)]
    return found
