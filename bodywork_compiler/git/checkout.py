"""A project's files on this machine together with the source that the manifests will name: from a folder of a repository, or from a url."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import url as urls
from bodywork_compiler.git.wanted import Checkout, Wanted

TEMPLATES = "templates"
_CONFIGS = ("bodywork.yaml", "bodywork.ini")
_OF_STAGES = ("config.ini", "requirements.txt")  # of a v1 project, in each stage's folder
_LEADS_OUT = "is not in the project, or is a link that leads out of it"
_HINT = "Put the file itself there: the manifests of a project are made of its own files."


def repository_of(folder: Path) -> Path:
    """The root of the repository that a checkout's folder stands in; the folder itself where only it was written."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)


def refuse_foreign_files(project: Checkout, file: str | None = None) -> None:
    """Raise where what is read of a project is not the project's: it would come to stand in manifests and messages. `file` names its config."""
    named = [project.folder / each for each in ([file] if file else _CONFIGS)]
    beside = named[0].parent
    left_out = [project.folder / link for link in project.left_out]
    of_stages = [each for each in [*left_out, *beside.glob("*/*")] if each.name in _OF_STAGES and each.parent.parent == beside]
    templates = [each for each in left_out if project.folder / TEMPLATES in (each, *each.parents)]
    for each in (*named, *of_stages, *templates):
        path = os.path.relpath(each, project.folder)
        is_plain = os.path.realpath(each) == os.path.join(os.path.realpath(project.folder), path)  # noqa: PTH118 - resolved texts
        why = _LEADS_OUT if each in left_out else None if is_plain else foreign(project.folder, each)
        if why:
            from bodywork_compiler.git.tree import shown

            raise BodyworkError(f"{shown(path)}: {why}", hint=_HINT)


def foreign(folder: Path, file: Path) -> str | None:
    """Why a file is not one of the project in `folder`, whatever leads there; None where it is one.

    A file in a working tree is the project's when git tracks it or would: not what is ignored, as files of passwords are.
    """
    # imported here, since the help of commands needs none of it
    from bodywork_compiler.git.process import Place, tell
    from bodywork_compiler.git.tree import is_git_folder, is_inside

    root = folder.resolve()
    if not is_inside(file, root):
        return _LEADS_OUT
    path = Path(os.path.realpath(file)).relative_to(root)
    if any(is_git_folder(part) for part in path.parts):
        return "leads into the .git folder"
    if not (repository_of(root) / ".git").exists():
        return None  # a folder that holds what was committed, and nothing else
    known = ("--cached", "--others", "--exclude-standard")
    answer = tell(Place(folder=root), "--literal-pathspecs", "ls-files", "-z", *known, "--", str(path))
    return None if answer.text else "leads to a file that is not in Git, or that .gitignore names"


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
        from bodywork_compiler.git.clone import at_commit

        with at_commit(Path(where), wanted) as project:
            yield project
    else:
        from bodywork_compiler.git.working_tree import as_it_stands

        with as_it_stands(Path(where), wanted) as project:
            yield project
