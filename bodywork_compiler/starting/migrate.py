"""An earlier config → the text of a bodywork.yaml 1.2 that means the same, and names its objects the same. Comments come along."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from bodywork_compiler.config import yaml_reader
from bodywork_compiler.project import Batch, Project, Stage

NEW = "1.2"
_REQUIREMENT = re.compile(r"[A-Za-z0-9]")
_REMARK = re.compile(r"(?:^|\s)#")  # as pip reads its files: a `#` inside of a URL begins none
_NAME = re.compile(r"[A-Za-z0-9.-]+")
_MARK = "\ufeff"

Comments = Mapping[tuple[str, ...], list[str]]
Path = tuple[str | int, ...]
Edit = tuple[int, int, str]  # of a text: from, to, and what takes the place


def from_1_0(text: str, ignored: Sequence[Path], added: Mapping[str, str]) -> str:
    """Changed where it differs, everything else is kept byte by byte.

    `ignored` are the paths of keys that Bodywork 2 did not read, which become comments; `added` are new keys of the pipeline's section.
    """
    text, mark = text.removeprefix(_MARK), _MARK if text.startswith(_MARK) else ""
    root: Any = yaml_reader.parse(text).root
    edits = [_word(text, key, "project", "pipeline") for key, _ in root.value if key.value == "project"]
    edits += [_word(text, value, "1.0", NEW) for key, value in root.value if key.value == "version"]
    edits += [_new_keys(text, value, added) for key, value in root.value if key.value == "project" and added]
    edits += [edit for path in ignored for edit in _commented(text, root, path)]
    for node in _truths(root):
        edits.append((node.start_mark.index, node.end_mark.index, "1" if yaml_reader.parse(node.value).values else "0"))
    for start, end, new in sorted(set(edits), reverse=True):
        text = text[:start] + new + text[end:]
    return mark + text


def _word(text: str, node: Any, old: str, new: str) -> Edit:
    start, end = node.start_mark.index, node.end_mark.index
    # the last, since an anchor stands before what it names; a value in escapes is written anew
    before, found, after = text[start:end].rpartition(old)
    return start, end, f"{before}{new}{after}" if found else f'"{new}"'


def _new_keys(text: str, section: Any, added: Mapping[str, str]) -> Edit:
    """Below the name where that is one line of a block, else in front of all."""
    first = section.value[0][0].start_mark
    if section.flow_style:
        return first.index, first.index, "".join(f'"{key}": "{value}", ' for key, value in added.items())
    line_break = "\r\n" if "\r\n" in text else "\n"
    lines = [f"{key}: {value}" for key, value in added.items()]
    for name, value in section.value:
        end = text.find("\n", value.end_mark.index)
        if name.value == "name" and name.start_mark.line == value.start_mark.line == value.end_mark.line and end >= 0:
            return end + 1, end + 1, "".join(f"{' ' * first.column}{line}{line_break}" for line in lines)
    return first.index, first.index, "".join(f"{line}{line_break}{' ' * first.column}" for line in lines)


def _commented(text: str, root: Any, path: Path) -> Iterator[Edit]:
    """`# ` in front of each line of a key and its value, where they have their lines to themselves."""
    node = root
    for step in path[:-1]:
        node = next(value for key, value in node.value if key.value == step)
    for key, value in node.value:
        if key.value != path[-1] or node.flow_style:
            continue
        start = key.start_mark.index - key.start_mark.column
        for line in text[start : max(value.end_mark.index, key.end_mark.index)].rstrip().split("\n"):
            at = start + min(key.start_mark.column, len(line) - len(line.lstrip()))
            if line.strip():
                yield at, at, "# "
            start += len(line) + 1


def _truths(root: Any) -> Iterator[Any]:
    """1.2 takes no `true` for a number."""
    for key, stages in root.value:
        for _, stage in stages.value if key.value == "stages" else ():
            for name, value in stage.value:
                if name.value in {"cpu_request", "memory_request_mb"} and value.tag == "tag:yaml.org,2002:bool":
                    yield value


def from_v1(project: Project, requirements: Mapping[str, str], comments: Comments, added: Mapping[str, str]) -> str:
    """`requirements` are the stages' files as text, by stage; `comments` stand above the key at their path, () is the top."""
    files = {stage.name: _lines_of_file(requirements.get(stage.name, "")) for stage in project.stages}
    stages = {stage.name: _stage(stage, files[stage.name]) for stage in project.stages}
    for name, stage in stages.items():
        if isinstance(stage.get("requirements"), list):
            comments = {**comments, **_remarks(files[name], ("stages", name, "requirements"))}
    # v1 takes any name, and cleans it for its objects
    name = project.name if _NAME.fullmatch(project.name) else project.object_name
    config = {
        "version": NEW,
        "pipeline": {"name": name, **added, "docker_image": project.image, "DAG": " ".join(project.dag.split())},
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
