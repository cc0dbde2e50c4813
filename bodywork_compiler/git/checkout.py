"""A project's files on this machine together with the source that the manifests will name: from a folder of a repository, or from a url."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import url as urls
from bodywork_compiler.git.wanted import Checkout, Wanted


def repository_of(folder: Path) -> Path:
    """The root of the repository that a checkout's folder stands in; the folder itself where only it was written."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def refuse_links_out(folder: Path, files: Iterable[Path]) -> None:
    """What is read of a repository that anybody may have made must stand in it: a message could show a file of this machine else."""
    root = repository_of(folder)
    for file in files:
        if root not in file.resolve().parents:
            raise BodyworkError(f"{os.path.relpath(file, folder)}: is not in the repository, or a link that leads out of it")


@contextmanager
def checkout(where: str, wanted: Wanted) -> Iterator[Checkout]:
    """The project at a path or a url. What had to be written for it is in a temporary folder and gone afterwards."""
    if urls.is_url(where):
        from bodywork_compiler.git.clone import cloned

        with cloned(where, wanted) as project:
            yield project
    elif wanted.as_files:
        from bodywork_compiler.git.as_files import as_files

        with as_files(Path(where)) as project:
            yield project
    elif wanted.branch or wanted.commit:
        from bodywork_compiler.git.committed import at_commit

        with at_commit(Path(where), wanted) as project:
            yield project
    else:
        from bodywork_compiler.git.working_tree import as_it_stands

        with as_it_stands(Path(where), wanted) as project:
            yield project
