"""A project's files on this machine together with the source that the manifests will name: from a folder of a repository, or from a url."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bodywork_compiler.git import url as urls
from bodywork_compiler.source import Source
from bodywork_compiler.values import value


@value
class Wanted:
    """What of a repository is asked for.

    `output` is the folder that a render is about to write: never part of the source. `must_be_on_remote` asks the remote itself, over the
    network, whether it has the commit.
    """

    branch: str | None = None
    commit: str | None = None
    folder: str = ""
    output: Path | None = None
    inline: bool = False
    ask_remote: bool = False


@value
class Found:
    """`changed` and `untracked` are what is not committed, relative to the project's folder. `notes` are sentences for the user about the source."""

    source: Source
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@value
class Checkout:
    """`folder` holds the project's files. `found` waits for what git was asked; a config can be read meanwhile."""

    folder: Path
    found: Callable[[], Found]


def repository_of(folder: Path) -> Path:
    """The root of the repository that a checkout's folder stands in; the folder itself where only it was written."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


@contextmanager
def checkout(where: str, wanted: Wanted) -> Iterator[Checkout]:
    """The project at a path or a url. What had to be written for it is in a temporary folder and gone afterwards."""
    if urls.is_url(where):
        from bodywork_compiler.git.clone import cloned

        with cloned(where, wanted) as project:
            yield project
    elif wanted.branch or wanted.commit:
        from bodywork_compiler.git.committed import at_commit

        with at_commit(Path(where), wanted) as project:
            yield project
    else:
        from bodywork_compiler.git.working_tree import as_it_stands

        with as_it_stands(Path(where), wanted) as project:
            yield project
