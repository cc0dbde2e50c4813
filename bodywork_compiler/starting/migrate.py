"""An earlier config → the text of a bodywork.yaml 1.1 that means the same. Comments come along."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bodywork_compiler.config import yaml_text
from bodywork_compiler.project import Batch, Project, Stage

NEW = "1.1"
_REQUIREMENT = re.compile(r"[A-Za-z0-9]")
_REMARK = re.compile(r"(?:^|\s)#")  # as pip reads its files: a `#` inside of a URL begins none
_NAME = re.compile(r"[A-Za-z0-9.-]+")
_MARK = "\ufeff"

Comments = Mapping[tuple[str, ...], list[str]]


def from_1_0(text: str) -> str:
    """Two words change, where they stand; everything else is kept byte by byte."""
    text, mark = text.removeprefix(_MARK), _MARK if text.startswith(_MARK) else ""
    root: Any = yaml_text.parse(text).root
    words = [(key, "project", "pipeline") for key, _ in root.value if key.value == "project"]
    words += [(value, "1.0", NEW) for key, value in root.value if key.value == "version"]
    for node, old, new in sorted(words, key=lambda each: each[0].start_mark.index, reverse=True):
        start, end = node.start_mark.index, node.end_mark.index
        # the last, since an anchor stands before what it names; a value in escapes is written anew
        before, found, after = text[start:end].rpartition(old)
        text = text[:start] + (f"{before}{new}{after}" if found else f'"{new}"') + text[end:]
    return mark + text


def from_v1(project: Project, requirements: Mapping[str, str], comments: Comments) -> str:
    """`requirements` are the stages' files as text, by stage; `comments` stand above the key at their path, () is the top."""
    files = {stage.name: _lines_of_file(requirements.get(stage.name, "")) for stage in project.stages}
    stages = {stage.name: _stage(stage, files[stage.name]) for stage in project.stages}
    by_file = any(isinstance(each.get("requirements"), str) for each in stages.values())
    for name, stage in stages.items():
        if isinstance(stage.get("requirements"), list):
            comments = {**comments, **_remarks(files[name], ("stages", name, "requirements"))}
    # v1 takes any name, and cleans it for its objects
    name = project.name if _NAME.fullmatch(project.name) else project.object_name
    config = {
        # a file of requirements, with pip's options in it, is new in 1.2
        "version": "1.2" if by_file else NEW,
        "pipeline": {"name": name, "docker_image": project.image, "DAG": " ".join(project.dag.split())},
        "stages": stages,
        "logging": {"log_level": project.log_level},
    }
    return _with_comments("".join(yaml.safe_dump({key: part}, sort_keys=False, width=140) for key, part in config.items()), comments)


def _lines_of_file(requirements: str) -> list[tuple[str, str]]:
    """Of pip's file: what each line asks for, and the remark at its end. Either may be empty, not both."""
    found = []
    for line in map(str.strip, requirements.splitlines()):
        remark = _REMARK.search(line)
        wanted, words = (line[: remark.start()].rstrip(), line[remark.end() :].strip()) if remark else (line, "")
        if wanted or words:
            found.append((wanted, words))
    return found


def _remarks(lines: Sequence[tuple[str, str]], path: tuple[str, ...]) -> Comments:
    """Above what they are about; the last ones above all."""
    found: dict[tuple[str, ...], list[str]] = {}
    waiting: list[str] = []
    place = 0
    for wanted, words in lines:
        waiting += [words] if words else []
        if wanted:
            if waiting:
                found[(*path, str(place))] = waiting
            place, waiting = place + 1, []
    return {**found, path: waiting} if waiting else found


def _stage(stage: Stage, requirements: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, Any] = {"executable_module_path": stage.executable}
    if stage.requirements_file:
        lines = [wanted for wanted, _ in requirements if wanted]
        plain = all(_REQUIREMENT.match(line) and not line.endswith("\\") for line in lines)
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


def _with_comments(text: str, comments: Comments) -> str:
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
    if isinstance(node, yaml.SequenceNode):
        return [((*path, str(place)), each.start_mark.line) for place, each in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return []
    found = []
    for key, value in node.value:
        here = (*path, key.value)
        found += [(here, key.start_mark.line), *_lines_of(value, here)]
    return found
