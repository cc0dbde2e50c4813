"""A folder as a commit has it: its files as git stores them, under names that may be written to a disk.

git checks the trees that it is sent only when it is told to (`transfer.fsckObjects`), so a commit may hold names that must not be written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path, PurePosixPath

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.process import Place, ask, ask_server, complaint, tell
from bodywork_compiler.git.questions import commit_of, is_hash, top_of
from bodywork_compiler.source import KUSTOMIZATIONS, RENDER_MARKER
from bodywork_compiler.values import value

LONGEST_NAME = 255  # bytes, on every file system that is in use
LONGEST_PATH = 3000  # Linux ends at 4,096, with the folder that it is written into
LONGEST_LINK = 1023  # macOS ends at 1,024, Linux at 4,096
_SHOWN = 5
_LONGEST_SHOWN = 100
# HFS+ ignores these in a name: https://github.com/git/git/blob/v2.45.0/utf8.c (next_hfs_char)
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])
# NTFS ends a name at a colon, and drops dots and blanks at its end: https://github.com/git/git/blob/v2.45.0/path.c (is_ntfs_dotgit)
_GIT_FOLDER = re.compile(r"(?:\.git|git~1)[. ]*(?::.*)?", re.IGNORECASE | re.DOTALL)


def refuse_unsafe(paths: Iterable[str], where: str) -> None:
    """Raise for names that no checkout may write, all at once; `where` is what holds them."""
    listed = list(paths)
    faults = [*_bad_names(listed), *_clashes(listed)]
    if faults:
        more = [f"    and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
        lines = "\n".join([*(f"    {fault}" for fault in faults[:_SHOWN]), *more])
        raise BodyworkError(
            f"{where} has files that cannot be written safely:\n{lines}",
            hint="Rename or remove them and commit. Nothing of this commit was written.",
        )


def _bad_names(paths: Sequence[str]) -> list[str]:
    return [f"{shown(path)}: {why}" for path in paths if (why := _why_not(path))]


def _why_not(path: str) -> str | None:
    parts = path.split("/")
    if path.startswith("/"):
        return "is an absolute path"
    if any(part in ("", ".", "..") for part in parts):
        return "is not a plain path inside the repository"
    if any(is_git_folder(part) for part in parts):
        return "is inside a .git folder, or what a file system takes for one"
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST_NAME for part in parts):
        return f"has a name of more than {LONGEST_NAME} bytes"
    if len(path.encode("utf-8", "surrogateescape")) > LONGEST_PATH:
        return f"is a path of more than {LONGEST_PATH} bytes"
    return "has a NUL byte in its name" if "\0" in path else None


def is_git_folder(name: str) -> bool:
    """Whether some file system takes this part of a path for `.git`, as git's fsck looks at it."""
    return any(_GIT_FOLDER.fullmatch(part.translate(_IGNORED_BY_HFS)) for part in name.split("\\"))


def _clashes(paths: Sequence[str]) -> list[str]:
    """Two files of one name, or a file where another has its folder; capitals and accents as macOS and Windows take them."""
    files: dict[str, str] = {}
    faults = []
    for path in paths:
        name = _folded(path)
        if name in files:
            same = "is there twice" if files[name] == path else f"is the same file as {shown(files[name])} where capitals do not count"
            faults.append(f"{shown(path)}: {same}")
        files.setdefault(name, path)
    for path in paths:
        parts = _folded(path).split("/")
        above = next((files[folder] for end in range(1, len(parts)) if (folder := "/".join(parts[:end])) in files), None)
        if above is not None:
            faults.append(f"{shown(above)}: is a file or a link, and {shown(path)} needs it as a folder")
    return faults


def _folded(path: str) -> str:
    from unicodedata import normalize  # only for a commit's files, and not at each start

    return path.casefold() if path.isascii() else normalize("NFC", path).casefold()


def shown(path: str) -> str:
    """On one line, without anything that a terminal obeys, and not more than a line of it."""
    text = repr(path)[1:-1]
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


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


def manifest_folders(paths: Iterable[str], output: Iterable[str] = ()) -> tuple[str, ...]:
    """The folders of manifests among these files: a render's, by its marker or as its `output`, and overlays, which are kustomizations.

    What is in them is no part of the project. So a folder that pods run or install something of is never one, whatever lies beside it; nor is
    the project's own folder.
    """
    inside = [path for path in map(PurePosixPath, paths) if len(path.parts) > 1]
    made = {str(path.parent) for path in inside if path.name in (RENDER_MARKER, *KUSTOMIZATIONS)} | set(output)
    return tuple(sorted(made - {str(folder) for path in inside if _is_for_pods(path) for folder in path.parents}))


def _is_for_pods(path: PurePosixPath) -> bool:
    """A script, a notebook, or requirements by the names that pip's users give them."""
    return path.suffix in (".py", ".ipynb") or ("requirements" in path.name and path.suffix in (".txt", ".in"))


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


def have_same_files(where: Path, one: str, other: str, folder: str) -> bool:
    """Whether the repository that `where` is in has both commits, and in both the project in `folder` has the same files. No network."""
    try:
        place = Place(folder=top_of(where.resolve()))
        if not all(is_hash(commit) and commit_of(place, commit) for commit in (one, other)):
            return False
        trees = [ask(place, "ls-tree", "-r", "-z", "--full-tree", f"{commit}:{folder}") for commit in (one, other)]
    except BodyworkError:
        return False
    digests = {tree_digest(tree.text, manifest_folders(names_in(tree.text))) for tree in trees}
    return len(digests) == 1 and all(tree.code == 0 for tree in trees)


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
