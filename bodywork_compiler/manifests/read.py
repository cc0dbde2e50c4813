"""Manifests as they come back: from a stream, a file or a folder, patched by kustomize or by a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import validation
from bodywork_compiler.manifests.marker import read_file, read_text
from bodywork_compiler.manifests.objects import KubeObject, Plan
from bodywork_compiler.manifests.plan import plan_of
from bodywork_compiler.problems import LARGEST_TEXT
from bodywork_compiler.source import KUSTOMIZATIONS, RENDER_UNDER_WAY

SUFFIXES = (".yaml", ".yml", ".json")


def load_stream(text: str, origin: str) -> Plan:
    """The plan in a stream of YAML or JSON; `origin` says for messages where it was read, `standard input`."""
    return _plan([(text, origin)], origin)


def load_file(file: Path) -> Plan:
    """The plan in a file that a user has named: a pipe too, as `<(kustomize build)` is one."""
    return load_stream(_piped(file) if file.is_fifo() else read_text(file), str(file))


def load_folder(folder: Path, kustomize: Callable[[Path], str]) -> Plan:
    """The plan in a folder: `kustomize(folder)` is asked to build it if it is a kustomization, else its files are read in name order, recursively."""
    if (folder / RENDER_UNDER_WAY).exists():
        raise BodyworkError(
            f"{folder}: is half written: a render was killed while it wrote here", hint="Render into it again: bodywork render -o DIR."
        )
    kustomizations = [name for name in KUSTOMIZATIONS if read_file(folder / name, inside=folder) is not None]
    if kustomizations:
        from bodywork_compiler.manifests.kustomization import files_as_rendered

        rendered = files_as_rendered(folder)
        if rendered is None:
            from bodywork_compiler.manifests.kustomization import refuse_what_leads_out

            refuse_what_leads_out(folder)
            return load_stream(kustomize(folder), f"kustomization {folder}")
        return _plan_of_files(rendered, folder)
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in SUFFIXES and file.exists() and not file.is_dir()]
    if not files:
        raise BodyworkError(
            f"{folder}: holds no manifests",
            hint="Manifests are files that end in .yaml, .yml or .json; `bodywork render -o DIR` writes them.",
        )
    return _plan_of_files(files, folder)


def _plan_of_files(files: Iterable[Path], folder: Path) -> Plan:
    return _plan(((read_text(file, inside=folder), str(file)) for file in files), str(folder))


def to_json(objects: Iterable[KubeObject]) -> str:
    """The objects as one List, for kubectl's standard input: JSON is read alike by everybody."""
    import json

    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [found.body for found in objects]}, ensure_ascii=True, allow_nan=False)


def read_stream(stream: IO[bytes], origin: str) -> str:
    """All of a stream's text, of whatever bytes it is made; no more than a pipeline can need is taken in."""
    return decoded(stream.read(LARGEST_TEXT + 1), origin)


def decoded(content: bytes, origin: str) -> str:
    if len(content) > LARGEST_TEXT:
        raise BodyworkError(
            f"{origin}: is larger than {LARGEST_TEXT >> 20} MiB, more than any pipeline's manifests",
            hint="Data of stages belongs into files of the project, or into a store.",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise BodyworkError(f"{origin}: is not UTF-8 ({fault.reason} at byte {fault.start})", hint="Save it as UTF-8.") from fault


def _piped(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return read_stream(stream, str(file))
    except (OSError, ValueError) as fault:  # ValueError: a NUL in its name
        raise BodyworkError(f"{file}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault


def _plan(texts: Iterable[tuple[str, str]], origin: str) -> Plan:
    """The plan of what these texts hold, each with where it was read. All that no API server would take is refused at once."""
    from bodywork_compiler.manifests.kube_yaml import documents

    found: list[KubeObject] = []
    wrong: list[_Wrong] = []
    length = 0
    for text, where in texts:
        length += len(text)
        if length > LARGEST_TEXT:
            raise BodyworkError(f"{origin}: its files hold more than {LARGEST_TEXT >> 20} MiB, more than any pipeline's manifests")
        for place, document in documents(text, where):
            for each in _flattened(document, place):
                if isinstance(each, KubeObject):
                    found.append(each)
                else:
                    wrong.append(each)
            if len(wrong) > _MOST_SHOWN:
                raise _refusal(wrong, origin)
    if wrong:
        raise _refusal(wrong, origin)
    return plan_of(found, origin)


class _Wrong(NamedTuple):
    """One problem of one document."""

    place: str
    message: str
    hint: str = ""


def _flattened(document: Any, place: str) -> Iterator[KubeObject | _Wrong]:
    if not isinstance(document, dict):
        yield _Wrong(place, f"is no Kubernetes object, but {validation.kind_of(document)}", _WHAT)
        return
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for number, item in enumerate(items, start=1):
            yield from _flattened(item, f"{place}, item {number}")
    elif "apiVersion" not in document and document.keys() >= {"version", "stages"}:
        yield _Wrong(place, "is a project's config, not a manifest", "For a project give the folder that holds its config.")
    elif "items" in document:
        yield _Wrong(
            place,
            "has `items`, which only a List has: kubectl would apply these in the object's place",
            "Give each object as a document of its own.",
        )
    elif lacking := list(validation.lacking(document)):
        yield from (_Wrong(place, each, _WHAT) for each in lacking)
    elif wrong := validation.problems(document):
        yield from (_Wrong(place, each) for each in wrong)
    else:
        yield KubeObject(document, place)


_WHAT = "Each document must be a Kubernetes object with apiVersion, kind and metadata."
_MOST_SHOWN = 50


def _refusal(wrong: Sequence[_Wrong], origin: str) -> BodyworkError:
    """What comes after the first fifty is not even looked for."""
    lines = [f"{each.place}: {each.message}" for each in wrong[:_MOST_SHOWN]]
    hint = next((each.hint for each in wrong if each.hint), None)
    if len(wrong) == 1:
        return BodyworkError(lines[0], hint=hint)
    many, more = (f"more than {_MOST_SHOWN}", ["…"]) if len(wrong) > _MOST_SHOWN else (str(len(wrong)), [])
    return BodyworkError("\n  ".join([f"{origin}: {many} problems:", *lines, *more]), hint=hint)
