"""Documents as a folder, or as one stream: written whole or not at all, without losing what anybody else has put there."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import marker
from bodywork_compiler.manifests.guide import README, kustomization, readme
from bodywork_compiler.manifests.marker import decoded, read_file
from bodywork_compiler.manifests.objects import Document
from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY
from bodywork_compiler.values import value


def to_stream(documents: Iterable[Document]) -> str:
    """Every document behind its own `---`, with a comment that says its step and stage."""
    return "".join([f"---\n# {place(document)}\n{_ended(document.text)}" for document in documents])


def place(document: Document) -> str:
    """Where a document belongs, in words: `step 2, stage scoring-service: Deployment`."""
    step = "on failure" if document.step is None else "set-up" if document.step == 0 else f"step {document.step}"
    stage = f", stage {document.stage}" if document.stage else ""
    return f"{step}{stage}: {document.kind}"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


@contextmanager
def alone(target: Path) -> Iterator[None]:
    """Another process that writes here waits until we are done. Its end, even by a kill, ends the wait; a file system without locks has none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def create_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """The whole folder appears at once."""
    beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        _write_file(beside, files)
        beside.chmod(0o777 & ~_umask())
        beside.replace(target)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def swap_files(target: Path, write: Mapping[str, bytes], remove: Iterable[str], *, markers: tuple[bytes, bytes], gate: str) -> None:
    """Write and remove files in a folder that has others too.

    The first of `markers` knows every file as it was and as it shall be: whatever a crash leaves is still known as ours. The second is the last
    thing that is written. `gate` is the file without which others do not read the folder: while any other is moved it is not there.
    """
    staging = target / RENDER_UNDER_WAY
    if staging.exists():
        shutil.rmtree(staging)
    undo: list[Callable[[], object]] = []
    try:
        staging.mkdir()
        _write_file(staging / "new", {**write, RENDER_MARKER: markers[1]})
        _write_file(staging / "during", {RENDER_MARKER: markers[0]})
        _replace_marker(target / RENDER_MARKER, staging, undo)
        gates, others = [path for path in write if path == gate], [path for path in (*write, *remove) if path != gate]
        for path in gates:
            _put_aside(target / path, staging / "old" / path, undo)
        for path in (*others, *gates):
            _move_in(target, staging / "new", staging / "old", path, undo)
        (staging / "new" / RENDER_MARKER).replace(target / RENDER_MARKER)
    except BaseException:
        for step in reversed(undo):
            step()
        shutil.rmtree(staging, ignore_errors=True)
        raise
    shutil.rmtree(staging)
    _remove_empty(target, remove)


def _replace_marker(marker: Path, staging: Path, undo: list[Callable[[], object]]) -> None:
    """In one move: a kill between two would leave our files without the marker that says they are ours."""
    before = staging / "before" / RENDER_MARKER
    if marker.exists():
        before.parent.mkdir()
        shutil.copy2(marker, before)
        undo.append(lambda: before.replace(marker))
    else:
        undo.append(marker.unlink)
    (staging / "during" / RENDER_MARKER).replace(marker)


def _move_in(target: Path, new: Path, old: Path, path: str, undo: list[Callable[[], object]]) -> None:
    """Put aside what stands at `path`, then move there what `new` has for it, if anything."""
    at, source = target / path, new / path
    _put_aside(at, old / path, undo)
    if source.exists():
        for folder in _missing_parents(at):
            folder.mkdir()
            undo.append(folder.rmdir)
        source.replace(at)
        undo.append(at.unlink)


def _put_aside(at: Path, aside: Path, undo: list[Callable[[], object]]) -> None:
    if at.exists():
        aside.parent.mkdir(parents=True, exist_ok=True)
        at.replace(aside)
        undo.append(lambda: aside.replace(at))


def _missing_parents(at: Path) -> list[Path]:
    return [folder for folder in reversed(at.parents) if not folder.exists()]


def _write_file(folder: Path, files: Mapping[str, bytes]) -> None:
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _remove_empty(target: Path, removed: Iterable[str]) -> None:
    """Folders that only held files of ours go with them."""
    for path in removed:
        folder = (target / path).parent
        while folder != target and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
            folder = folder.parent


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


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
