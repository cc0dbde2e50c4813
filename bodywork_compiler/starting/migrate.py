"""An earlier config → the text of a bodywork.yaml 1.2 that means the same, and names its objects the same. Comments come along."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bodywork_compiler import labels
from bodywork_compiler.config import yaml_reader
from bodywork_compiler.manifests import Document
from bodywork_compiler.project import Batch, Project, Stage

_SECTION = re.compile(r"\[(?P<name>[^]]+)\]")
_OPTION = re.compile(r"(?P<name>[^\s=:#;](?:[^=:]*[^\s=:])?)\s*[=:]")
_PROJECT = {
    ("default", "PROJECT_NAME"): ("pipeline", "name"),
    ("default", "DOCKER_IMAGE"): ("pipeline", "docker_image"),
    ("workflow", "DAG"): ("pipeline", "DAG"),
    ("logging", "LOG_LEVEL"): ("logging", "log_level"),
    ("default", ""): ("pipeline",),
    ("workflow", ""): ("pipeline", "DAG"),
    ("logging", ""): ("logging",),
}

KeyPath = tuple[str | int, ...]
_PathOf = Callable[[str, str], KeyPath]


def of_project(text: str) -> dict[KeyPath, list[str]]:
    return _collected(text, lambda section, option: _PROJECT.get((section, option), _PROJECT.get((section, ""), ())))


def of_stage(text: str, stage: str) -> dict[KeyPath, list[str]]:
    """A comment that stands above a section is about the stage."""

    def path(section: str, option: str) -> KeyPath:
        here = ("stages", stage)
        if section == "default":
            name = "executable_module_path" if option == "EXECUTABLE_SCRIPT" else option.lower()
            return (*here, name) if option else here
        if section == "secrets":
            return (*here, "secrets", option) if option else (*here, "secrets")
        return (*here, section, option.lower()) if option else (*here, section)

    return _collected(text, path)


def _collected(text: str, path_of: _PathOf) -> dict[KeyPath, list[str]]:
    found: dict[KeyPath, list[str]] = {}
    waiting: list[str] = []
    section = ""
    path: KeyPath = ()
    for line in map(str.strip, text.splitlines()):
        if line.startswith(("#", ";")):
            waiting.append(line.lstrip("#; "))
            continue
        if begins := _SECTION.match(line):
            section = begins["name"].strip().lower()
            path = path_of(section, "")
        elif option := _OPTION.match(line):
            path = path_of(section, option["name"].strip().upper())
        if (begins or _OPTION.match(line)) and waiting:
            found.setdefault(path, []).extend(waiting)
            waiting = []
    if waiting:
        found.setdefault(path[:2], []).extend(waiting)
    return found


MOST_BYTES = 1 << 20
_SUFFIXES = {".py", ".ipynb", ".sh", ".md", ".txt", ".yaml", ".yml", ".json", ".toml", ".cfg", ".ini", ".env", ""}
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"


class Mention(NamedTuple):
    """`namespace` is None where the place names none."""

    file: str
    line: int
    name: str
    namespace: str | None


def mentions(folder: Path, names: Iterable[str]) -> list[Mention]:
    """All places in `folder` that name one of these objects."""
    either = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = re.compile(
        # by the API server's proxy, by an ingress's route, by DNS, or by the name alone
        rf"(?:namespaces/(?P<proxy>{_LABEL})/(?:services|deployments|jobs)/|/(?P<route>{_LABEL})/|(?<![a-zA-Z0-9-]))"
        rf"(?P<name>{either})(?![a-zA-Z0-9-])(?:\.(?P<dns>{_LABEL})\.svc\b)?"
    )
    found = []
    for path, text in _texts(folder):
        for number, line in enumerate(text.splitlines(), start=1):
            for match in pattern.finditer(line):
                namespace = match["proxy"] or match["route"] or match["dns"]
                found.append(Mention(path, number, match["name"], namespace))
    return found


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Path → text. Hidden folders and environments of Python are not the project's."""
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and not Path(parent, each, "pyvenv.cfg").exists())
        for name in sorted(files):
            file = Path(parent, name)
            if file.suffix not in _SUFFIXES or file.is_symlink() or not file.is_file() or file.stat().st_size > MOST_BYTES:
                continue
            try:
                text = file.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue
            yield file.relative_to(folder).as_posix(), text


# of the pipeline's ConfigMap: differ because the configs' texts do
_ALWAYS = {f"data.{labels.FACT_CONFIG_VERSION}", f"data.{labels.FACT_PLAN_DIGEST}"}


def differences(before: Sequence[Document], after: Sequence[Document]) -> list[str]:
    """A line for each object that differs: `+` new, `-` gone, `~` changed, with the fields."""
    old, new = _objects(before), _objects(after)
    lines = [f"- {key}" for key in old if key not in new] + [f"+ {key}" for key in new if key not in old]
    for key in (key for key in old if key in new):
        fields = sorted({field for field in _fields(old[key], new[key], "") if field not in _ALWAYS})
        if fields:
            lines.append(f"~ {key}: {', '.join(fields)}")
    return lines


def _objects(documents: Sequence[Document]) -> dict[str, Any]:
    from bodywork_compiler.manifests.kube_yaml import values

    return {f"{each.kind} {each.name}": values(each.text)[0] for each in documents}


def _fields(old: Any, new: Any, path: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*old, *new]):
            yield from _fields(old.get(key), new.get(key), f"{path}.{key}" if path else str(key))
    elif json.dumps(old, sort_keys=True) != json.dumps(new, sort_keys=True):
        yield path


NEW = "1.2"
_REQUIREMENT = re.compile(r"[A-Za-z0-9]")
_REMARK = re.compile(r"(?:^|\s)#")  # as pip reads its files: a `#` inside of a URL begins none
_NAME = re.compile(r"[A-Za-z0-9.-]+")
_MARK = "\ufeff"

Comments = Mapping[KeyPath, list[str]]
Edit = tuple[int, int, str]  # of a text: from, to, and what takes the place


def from_1_0(text: str, ignored: Sequence[KeyPath], added: Mapping[str, str]) -> str:
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


def _commented(text: str, root: Any, path: KeyPath) -> Iterator[Edit]:
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


def _remarks(lines: Sequence[tuple[str, str]], path: KeyPath) -> Comments:
    """Above what they are about; the last ones above all."""
    found: dict[KeyPath, list[str]] = {}
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


def _lines_of(node: Any, path: KeyPath) -> list[tuple[KeyPath, int]]:
    if isinstance(node, yaml.SequenceNode):
        return [((*path, str(place)), each.start_mark.line) for place, each in enumerate(node.value)]
    if not isinstance(node, yaml.MappingNode):
        return []
    found = []
    for key, value in node.value:
        here = (*path, key.value)
        found += [(here, key.start_mark.line), *_lines_of(value, here)]
    return found
