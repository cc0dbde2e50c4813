"""Documents as a folder: written whole or not at all, without losing what anybody else has put or changed there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import marker
from bodywork_compiler.manifests.files import decoded, read_file
from bodywork_compiler.manifests.guide import README, kustomization, readme
from bodywork_compiler.manifests.objects import Document
from bodywork_compiler.manifests.stream import place
from bodywork_compiler.manifests.swap import alone, create_folder, swap_files
from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY
from bodywork_compiler.values import value

KUSTOMIZATION = "kustomization.yaml"
# U+007F to U+009F: kustomize (5.7) writes them bare, and then refuses them, but U+0085 (`\N`), which it makes a blank; kubectl itself takes them
_CODES = {"N": "U+0085"}
_LOST_ON_KUSTOMIZE = re.compile(r"(?<!\\)(?:\\\\)*\\(x7F|x[89][0-9A-F]|N)")


@value
class Written:
    """Files by what was done with them, relative to the folder. `kept` were changed by a person, who keeps them."""

    written: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


@value
class _Change:
    """What is on the way from the folder as it is to the folder as it shall be."""

    write: Mapping[str, bytes]
    remove: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]


def write_folder(documents: Sequence[Document], folder: Path, *, pipeline: str) -> Written:
    """Write manifests, kustomization and README. Files of an earlier render that are no longer made are removed.

    A file that a person changed since, or that was never ours, stops it before anything is written; a changed README is kept.
    """
    _refuse_unreadable(documents)
    files = files_of(documents, pipeline)
    target = folder.resolve()
    if target.exists() and not target.is_dir():
        raise BodyworkError(f"{folder}: is a file, and manifests go to a folder", hint="For one stream: bodywork render > manifests.yaml")
    try:
        with alone(target):
            change = _write(files, target)
    except OSError as fault:
        raise BodyworkError(f"{fault.filename or folder}: {fault.strerror}; {folder} is as it was") from fault
    return Written(written=tuple(change.write), unchanged=change.unchanged, removed=change.remove, kept=change.kept)


def as_rendered(folder: Path) -> str | None:
    """The stream that kustomize would make of a folder in which no kustomization but ours stands as it was written; None of any other."""
    known = marker.read(folder)
    text = read_file(folder / KUSTOMIZATION, inside=folder)
    if text is None or marker.digest(text) not in known.get(KUSTOMIZATION, frozenset()):
        return None
    files = [folder / path for path in re.findall(r"^  - (.+)$", decoded(text, folder / KUSTOMIZATION), re.MULTILINE)]
    contents = [(file, read_file(file, inside=folder)) for file in files]
    return (
        None if any(found is None for _, found in contents) else "".join(f"---\n{decoded(found or b'', file)}" for file, found in contents)
    )


def _refuse_unreadable(documents: Sequence[Document]) -> None:
    for document in documents:
        found = _LOST_ON_KUSTOMIZE.search(document.text) if document.stage else None
        if found:
            raise BodyworkError(
                f"stage {document.stage}: a value holds the control character {_CODES.get(found[1], f'U+00{found[1][1:]}')}, which kustomize refuses or changes",
                hint="Take it out, or render one stream: bodywork render > manifests.yaml.",
            )


def _write(files: Mapping[str, bytes], target: Path) -> _Change:
    recorded = marker.read(target)
    change = _change(files, target, recorded)
    after = {path: frozenset({marker.digest(content)}) for path, content in files.items()}
    if not target.exists():
        create_folder(target, {**files, RENDER_MARKER: marker.text(after)})
    elif change.write or change.remove or recorded != after or (target / RENDER_UNDER_WAY).exists():
        during = {path: after.get(path, frozenset()) | recorded.get(path, frozenset()) for path in {*after, *recorded}}
        # kustomize, which knows nothing of a render under way, takes no folder without this file
        write = {KUSTOMIZATION: files[KUSTOMIZATION], **change.write} if change.write or change.remove else {}
        swap_files(target, write, change.remove, markers=(marker.text(during), marker.text(after)), gate=KUSTOMIZATION)
    return change


def files_of(documents: Sequence[Document], pipeline: str) -> dict[str, bytes]:
    files = {document.path: f"# {place(document)}\n{document.text}".encode() for document in documents}
    assert len(files) == len(documents), "two documents have one path"  # noqa: S101 - the compiler's bug, not the user's
    return {**files, KUSTOMIZATION: kustomization(documents).encode(), README: readme(documents, pipeline).encode()}


def _change(files: Mapping[str, bytes], target: Path, recorded: Mapping[str, frozenset[str]]) -> _Change:
    _refuse_links({*files, *recorded, f"{RENDER_UNDER_WAY}/"}, target)
    present = {path: found for path in {*files, *recorded} if (found := read_file(target / path)) is not None}
    edited = [path for path in present if marker.digest(present[path]) not in recorded.get(path, frozenset())]
    in_the_way = sorted(path for path in edited if path not in files or marker.digest(present[path]) != marker.digest(files[path]))
    kept = tuple(path for path in in_the_way if path == README and path in recorded)
    _refuse([path for path in in_the_way if path not in kept], target, recorded)
    same = {path for path in files if path in present and marker.digest(present[path]) == marker.digest(files[path])}
    return _Change(
        write={path: content for path, content in files.items() if path not in same and path not in kept},
        remove=tuple(sorted(path for path in present if path not in files)),
        unchanged=tuple(path for path in files if path in same),
        kept=kept,
    )


def _refuse_links(paths: Iterable[str], target: Path) -> None:
    """A folder inside that leads elsewhere would have us write, and remove, elsewhere."""
    for folder in sorted({path.rpartition("/")[0] for path in paths} - {""}):
        parts = folder.split("/")
        for inside in (target.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)):
            if inside.is_symlink():
                raise BodyworkError(
                    f"{inside}: is a symbolic link, and nothing is written through it", hint="Give another folder to -o, or remove it."
                )


def _refuse(paths: Sequence[str], target: Path, recorded: Mapping[str, frozenset[str]]) -> None:
    if not paths:
        return
    ours = [path for path in paths if path in recorded]
    listed = "".join(f"\n    {path}" for path in paths)
    if ours:
        raise BodyworkError(
            f"{target}: changed since they were rendered, so nothing is written:{listed}",
            hint="Put changes into an overlay (a kustomization elsewhere that lists this folder under resources) or into templates; "
            "remove a file to have it written anew.",
        )
    raise BodyworkError(
        f"{target}: these files are there and no render wrote them, so nothing is written:{listed}",
        hint="Give another folder to -o, or move them away.",
    )
