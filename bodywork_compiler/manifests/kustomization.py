"""What a kustomization names, looked at before kubectl builds it: whoever only looks at a folder has nothing fetched, and nothing read from elsewhere.

kustomize clones and downloads whatever looks like an address, in all fields that name files. So a name must be a file or a folder of the repository.
https://github.com/kubernetes-sigs/kustomize/blob/kustomize/v5.7.1/api/internal/git/repospec.go
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.questions import ignored_in, top_of
from bodywork_compiler.git.tree import is_git_folder
from bodywork_compiler.manifests import marker
from bodywork_compiler.manifests.folder import KUSTOMIZATION
from bodywork_compiler.manifests.guide import kustomization_of
from bodywork_compiler.manifests.kube_yaml import nodes
from bodywork_compiler.manifests.marker import read_file, read_text
from bodywork_compiler.manifests.validation import shown
from bodywork_compiler.source import KUSTOMIZATIONS, RENDER_MARKER


def files_as_rendered(folder: Path) -> list[Path] | None:
    """In the kustomization's order; None where anything was changed, added to it, or taken away. A file that may not be read is an error."""
    content = read_file(folder / KUSTOMIZATION, inside=folder) or b""
    marked = read_file(folder / RENDER_MARKER, inside=folder) or b""
    try:
        wrote = marker.recorded(folder, marked)
        text = content.decode("utf-8")
    except (UnicodeDecodeError, BodyworkError):
        return None  # kustomize says what is wrong
    listed = [line.removeprefix("  - ") for line in text.splitlines() if line.startswith("  - ")]
    if text != kustomization_of(listed) or not {KUSTOMIZATION, *listed} <= wrote.keys():
        return None
    files = {name: read_file(folder / name, inside=folder) for name in (KUSTOMIZATION, *listed)}
    is_as_written = all(found is not None and marker.digest(found) in wrote[name] for name, found in files.items())
    return [folder / name for name in listed] if is_as_written else None


_FOLDERS = {"resources", "bases", "components"}  # or files
_PLUGINS = {"generators", "transformers", "validators"}  # folders, files, or YAML in a text
_FILES = {"crds", "configurations", "patches", "patchesjson6902", "patchesstrategicmerge", "configmapgenerator", "secretgenerator"}
_FILES |= {"replacements", "openapi"}
_HELM = {"helmcharts", "helmchartinflationgenerator"}
_NAMED_FILES = {"configmapgenerator", "secretgenerator"}  # `NAME=FILE`
_IN_TEXT = _PLUGINS | {"patchesstrategicmerge"}
_KEYS = {"path", "paths", "files", "env", "envs"}  # of what is in a list, or in a plugin's own file
_REMOTE = re.compile(r"\s*([a-z][a-z0-9+.-]*://|git::|gh:|[^/\s]*@|github\.com[:/])", re.IGNORECASE)
_MOST_SHOWN = 20
_HINT = (
    "Commit what is needed into the repository, and name it by its relative path. Or build it yourself, which fetches it: "
    "kubectl kustomize DIR | bodywork apply -"
)


class _Name(NamedTuple):
    """One name in a kustomization; `field` has it, in small letters, since kustomize takes keys in any case."""

    field: str
    text: str
    line: int


class _Wrong(NamedTuple):
    place: str
    message: str


class _File(NamedTuple):
    """A file that is there, and the kustomization that names it."""

    path: Path
    kustomization: Path
    place: str
    text: str


def refuse_what_leads_out(folder: Path) -> None:
    """Raise where this kustomization, or one that it is built on, names what is not in the repository (outside of one: by an absolute path)."""
    here = folder.resolve()
    repository = next((each for each in (here, *here.parents) if (each / ".git").exists()), None)
    wrong: list[_Wrong] = []
    named: list[_File] = []
    todo, seen = [folder], set[str]()
    while todo:
        at = todo.pop()
        if (real := os.path.realpath(at)) not in seen:
            seen.add(real)
            for each in _looked_at(at, repository):
                if isinstance(each, _Wrong):
                    wrong.append(each)
                elif isinstance(each, _File):
                    named.append(each)
                else:
                    todo.append(each)
    if repository and named:
        wrong += _ignored(named)
    if wrong:
        lines = [f"{each.place}: {each.message}" for each in wrong[:_MOST_SHOWN]]
        raise BodyworkError("\n  ".join([*lines, *(["…"] if wrong[_MOST_SHOWN:] else [])]), hint=_HINT)


def _ignored(named: list[_File]) -> Iterator[_Wrong]:
    """What git ignores is of this machine alone, a token perhaps. A kustomization that is ignored itself, as rendered folders may be, names it freely."""
    by_top: dict[Path, set[Path]] = {}
    marks = {each: each.path.parent / RENDER_MARKER for each in named}
    for path in {path for each in named for path in (each.path, each.kustomization, marks[each]) if path.exists()}:
        real = Path(os.path.realpath(path))
        by_top.setdefault(top_of(real.parent), set()).add(real)
    ignored = {real for top, reals in by_top.items() for real in ignored_in(Place(folder=top), reals)}
    for each in named:
        of_commit = not {Path(os.path.realpath(path)) for path in (each.kustomization, marks[each])} & ignored
        if of_commit and Path(os.path.realpath(each.path)) in ignored:
            yield _Wrong(each.place, f"names {shown(each.text)}, which is ignored by git")


def _looked_at(folder: Path, repository: Path | None) -> Iterator[_Wrong | _File | Path]:
    """What is wrong with a folder's kustomization, the files that it names, and the folders that it is built on."""
    for file in (folder / name for name in KUSTOMIZATIONS):
        if read_file(file, inside=folder) is None:
            continue
        for node in nodes(read_text(file, inside=folder), str(file)):
            for name in _names(node):
                yield from _judged(name, file, f"{file}:{name.line}", repository)


def _judged(name: _Name, file: Path, place: str, repository: Path | None) -> Iterator[_Wrong | _File | Path]:
    path = name.text.rpartition("=")[2] if name.field in _NAMED_FILES else name.text
    target = Path(os.path.normpath(file.parent / path.replace("\0", "/")))
    if why := _leads_out(name, path, target, repository):
        yield _Wrong(place, why)
    elif os.path.isdir(target):  # noqa: PTH112 unlike a Path's, also for names that no file may have
        yield target
    elif os.path.exists(target):  # noqa: PTH110 likewise
        yield _File(target, file, place, name.text)
        yield from _of_file(target, file, repository) if name.field in _PLUGINS else ()
    elif name.field in _IN_TEXT and (inside := _mappings(name.text, place)):
        yield from (each for node in inside for plugin in _of_plugin(node) for each in _judged(plugin, file, place, repository))
    else:
        yield _Wrong(place, f"names {shown(name.text)}, and there is no such file or folder")


def _leads_out(name: _Name, path: str, target: Path, repository: Path | None) -> str | None:
    if name.field in _HELM:
        return "names a Helm chart, which is not built"
    if _REMOTE.match(name.text) or _REMOTE.match(path):
        return f"names {shown(name.text)}, which kustomize would fetch"
    if Path(path).is_absolute():
        return f"names {shown(name.text)}, an absolute path"
    if repository and not _is_inside(target, repository):
        return f"names {shown(name.text)}, which leads out of the repository"
    real = Path(os.path.realpath(target))
    if any(is_git_folder(part) for part in (*Path(path).parts, *(real.relative_to(repository) if repository else real).parts)):
        return f"names {shown(name.text)}, which is in git's own folder"
    return None


def _of_file(plugin: Path, file: Path, repository: Path | None) -> Iterator[_Wrong | _File | Path]:
    """What a generator's or transformer's own file names, from the folder of the kustomization `file`."""
    for node in nodes(read_text(plugin, inside=repository or plugin.parent), str(plugin)):
        for each in _of_plugin(node):
            yield from _judged(each, file, f"{plugin}:{each.line}", repository)


def _is_inside(target: Path, repository: Path) -> bool:
    real = Path(os.path.realpath(target))
    return real == repository or repository in real.parents


def _mappings(text: str, place: str) -> list[yaml.Node]:
    """What stands in a text where the name of a file could stand."""
    return [each for each in nodes(text, place) if isinstance(each, yaml.MappingNode)]


def _names(node: yaml.Node) -> Iterator[_Name]:
    for key, value in _pairs(node):
        field = key.lower()
        if field in _HELM:
            yield _Name(field, "", value.start_mark.line + 1)
        elif field in _FOLDERS | _PLUGINS | _FILES:
            for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _scalars(field, each)
                for inner, inside in _pairs(each):
                    if inner.lower() in _KEYS:
                        yield from _scalars(field, inside)


def _of_plugin(node: yaml.Node) -> Iterator[_Name]:
    """A generator's or transformer's own fields, at any depth."""
    for key, value in _pairs(node):
        if key.lower() in _KEYS:
            yield from _scalars("configmapgenerator", value)
        yield from _of_plugin(value)
    if isinstance(node, yaml.SequenceNode):
        for each in node.value:
            yield from _of_plugin(each)


def _scalars(field: str, node: yaml.Node) -> Iterator[_Name]:
    for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if isinstance(each, yaml.ScalarNode) and each.value:
            yield _Name(field, each.value, each.start_mark.line + 1)


def _pairs(node: yaml.Node) -> Iterator[tuple[str, yaml.Node]]:
    """A mapping's keys and values, with those that it merges."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if isinstance(key, yaml.ScalarNode) and key.value == "<<":
            for each in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                yield from _pairs(each)
        elif isinstance(key, yaml.ScalarNode):
            yield key.value, value
