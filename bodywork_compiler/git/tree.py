"""A folder as a commit has it: its files as git stores them, whatever this machine's checkout would make of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place, ask, ask_server, complaint, tell
from bodywork_compiler.git.tree_names import LONGEST_LINK, refuse_unsafe, shown
from bodywork_compiler.source import KUSTOMIZATIONS, RENDER_MARKER
from bodywork_compiler.values import value

EXECUTABLE, SYMLINK = "100755", "120000"
_LARGEST_CONFIG = 1 << 20
_NO_SIZE = b" BAD\t"  # what `ls-tree --long` says of a file that it cannot look at
_AT_ONCE = 32 << 20  # bytes of files that are held in memory


@value
class Blob:
    """One file; `path` is relative to the folder that was listed."""

    path: str
    mode: str
    hash: str
    size: int


def blobs_in(place: Place, commit: str, folder: str) -> tuple[Blob, ...]:
    """The files of `folder` ("" for all) at a commit, in git's order, which is the same everywhere. Submodules are no files.

    Raises for names that could not be written safely, so that nobody who packs or writes them has to think of it.
    """
    where = f"commit {commit[:7]}"
    tree = f"{commit}:{folder}"
    words = ("ls-tree", "-r", "-l", "-z", "--full-tree", tree)
    answer = ask(place, *words)
    if answer.code != 0 and ask(place, "cat-file", "-t", tree).text != "tree":
        raise BodyworkError(f"{where} has no folder {folder or '/'}")
    if answer.code != 0 or _NO_SIZE in answer.output:  # a partial clone lacks files of older commits: its server has them
        answer = ask_server(place, *words)
    if answer.code != 0 or _NO_SIZE in answer.output:
        why = complaint(answer) if answer.code != 0 else "this clone lacks some of its files"
        raise BodyworkError(f"{where} cannot be read: {why}", hint="git fsck says more about a damaged repository.")
    listed = [(*meta.split(), path) for meta, _, path in (entry.partition("\t") for entry in answer.text.split("\0") if entry)]
    files = [(path, mode, hash_, size) for mode, kind, hash_, size, path in listed if kind == "blob"]
    refuse_unsafe([path for path, *_ in files], where)
    return tuple(Blob(path=path, mode=mode, hash=hash_, size=int(size)) for path, mode, hash_, size in files)


def manifest_folders(paths: Iterable[str]) -> tuple[str, ...]:
    """The folders of manifests among these files: a render's, by its marker, and overlays, which are kustomizations without a script in them.

    What is in them is no part of the project. The project's own folder is never one.
    """
    inside = [path for path in map(PurePosixPath, paths) if len(path.parts) > 1]
    rendered = {str(path.parent) for path in inside if path.name == RENDER_MARKER}
    with_script = {str(folder) for path in inside if path.suffix in (".py", ".ipynb") for folder in path.parents}
    overlays = {str(path.parent) for path in inside if path.name in KUSTOMIZATIONS} - with_script
    return tuple(sorted(rendered | overlays))


def names_in(tree: str) -> list[str]:
    """Of what `ask_tree` was answered: the names of all files."""
    return [entry.partition("\t")[2] for entry in tree.split("\0")]


def tree_digest(tree: str, without: Sequence[str]) -> str:
    """Of what `ask_tree` was answered: names, modes and contents of the files outside the folders `without`. Pods get no submodules."""
    digest = sha256()
    for entry in tree.split("\0"):
        meta, _, path = entry.partition("\t")
        if " blob " in meta and not is_within(path, without):
            digest.update(os.fsencode(f"{entry}\0"))
    return digest.hexdigest()


def is_within(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def contents(place: Place, blobs: Sequence[Blob]) -> Iterator[bytes]:
    """What the files hold, in their order; one process for as many as may be held in memory at once."""
    batch: list[Blob] = []
    size = 0
    for blob in blobs:
        if batch and size + blob.size > _AT_ONCE:
            yield from _contents(place, batch)
            batch, size = [], 0
        batch.append(blob)
        size += blob.size
    yield from _contents(place, batch)


def _contents(place: Place, blobs: Sequence[Blob]) -> Iterator[bytes]:
    if not blobs:
        return
    output = tell(place, "cat-file", "--batch", stdin="".join(f"{blob.hash}\n" for blob in blobs).encode()).output
    at = 0
    for blob in blobs:
        start = output.index(b"\n", at) + 1
        at = start + blob.size
        yield output[start:at]
        at += 1


def link_targets(place: Place, blobs: Sequence[Blob]) -> dict[str, str]:
    """Where each symbolic link among the files leads, by its path. Raises for targets that no system takes."""
    links = [blob for blob in blobs if blob.mode == SYMLINK]
    too_long = [blob for blob in links if blob.size > LONGEST_LINK]
    if too_long:
        raise BodyworkError(f"{shown(too_long[0].path)}: is a link to a path of {too_long[0].size} bytes, at most {LONGEST_LINK}")
    targets = {blob.path: os.fsdecode(content) for blob, content in zip(links, contents(place, links), strict=True)}
    for path, target in targets.items():
        if not target or "\0" in target:
            raise BodyworkError(f"{shown(path)}: is a link to {'a path with a NUL byte' if target else 'nothing: its target is empty'}")
    return targets


def write_out(place: Place, blobs: Sequence[Blob], to: Path) -> tuple[str, ...]:
    """Write the files into a new folder, to read a config there. Files too big to be part of one are there by name only.

    Every file is made new and no link is there until all files are, so nothing can be written through one. A link that leads out of the
    folder is left out; the paths of these are returned.
    """
    refuse_unsafe([blob.path for blob in blobs], str(to))
    targets = link_targets(place, blobs)
    files = [blob for blob in blobs if blob.mode != SYMLINK]
    small = [blob for blob in files if blob.size <= _LARGEST_CONFIG]
    to.mkdir(parents=True, exist_ok=True)
    try:
        for folder in sorted({str(PurePosixPath(blob.path).parent) for blob in blobs}):
            (to / folder).mkdir(parents=True, exist_ok=True)
        for blob in files:
            if blob.size > _LARGEST_CONFIG:
                (to / blob.path).open("xb").close()
        for blob, content in zip(small, contents(place, small), strict=True):
            with (to / blob.path).open("xb") as file:
                file.write(content)
        return _linked(to, targets)
    except OSError as fault:
        path = shown(os.path.relpath(fault.filename, to)) if fault.filename else "a file of the commit"
        raise BodyworkError(f"{path}: cannot be written: {fault.strerror}") from fault


def _linked(to: Path, targets: dict[str, str]) -> tuple[str, ...]:
    """Make the links, then take away those that lead out: where one leads may depend on another."""
    for path, target in targets.items():
        (to / path).symlink_to(target)
    left_out = []
    root = to.resolve()
    for path in targets:
        if not is_inside(to / path, root):
            (to / path).unlink()
            left_out.append(path)
    return tuple(left_out)


def is_inside(path: Path, root: Path) -> bool:
    """Whether what `path` leads to, existing or not, is in the folder `root`, which is resolved."""
    resolved = Path(os.path.realpath(path))  # of a link to itself it says something too
    return resolved == root or root in resolved.parents
