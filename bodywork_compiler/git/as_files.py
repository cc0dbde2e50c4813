"""A project's files as they stand in front of us, committed or not: for a run on this machine, which needs no commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.checkout import repository_of
from bodywork_compiler.git.process import Place, tell
from bodywork_compiler.git.questions import ask_status, to_status
from bodywork_compiler.git.wanted import Checkout, Found
from bodywork_compiler.git.working_tree import project_folder
from bodywork_compiler.source import NO_COMMIT, Source

_SHOWN = 5


@contextmanager
def as_files(where: Path) -> Iterator[Checkout]:
    if where.is_dir() and not (repository_of(where) / ".git").exists():
        raise BodyworkError(
            f"{where.resolve()} is in no Git repository, whose .gitignore says what belongs to the project",
            hint="git init. Nothing has to be committed.",
        )
    folder, top = project_folder(where)
    status = to_status(ask_status(Place(folder=folder)).text())
    prefix = "" if folder == top else folder.relative_to(top).as_posix()
    source = Source(commit=status.head or NO_COMMIT, url=top.as_uri(), branch=status.branch, folder=prefix)
    differs = sorted({*status.changed, *status.untracked})
    more = f" and {len(differs) - _SHOWN} more" if len(differs) > _SHOWN else ""
    notes = (
        (f"as they stand, not as in commit {source.commit[:7]}: {', '.join(differs[:_SHOWN])}{more}",) if differs and status.head else ()
    )
    yield Checkout(folder=where, found=lambda: Found(source=source, notes=notes))


def files_of(top: Path) -> tuple[str, ...]:
    """What would be in the repository if all were committed: nothing that git ignores. What was deleted is still named."""
    listed = tell(Place(folder=top), "ls-files", "-z", "--cached", "--others", "--exclude-standard").text
    return tuple(dict.fromkeys(filter(None, listed.split("\0"))))
