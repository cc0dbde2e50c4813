"""A project's files where they are nearer than a pod of a cluster would find them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from bodywork_compiler.local.specs import PORT_VARIABLE, folders
from bodywork_compiler.local.values import Workload


def from_repository(url: str, repository: Path) -> dict[str, str]:
    """The environment in which git takes a commit of `url` from a repository of this machine, whether or not it was pushed."""
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{repository}.insteadOf", "GIT_CONFIG_VALUE_0": url}


def copying(top: Path, files: Sequence[str]) -> Callable[[Path], None]:
    """A function that puts the files as they stand, committed or not, where `fetch` would have put the commit's.

    A file behind a link to a folder is left out, as git would: nothing is read or written through a link.
    """

    def copy(workspace: Path) -> None:
        for name in ("home", "tmp"):
            (workspace / name).mkdir()
        project = workspace / "project"
        project.mkdir()
        for name in files:
            source, target = top / name, project / name
            if any((top / folder).is_symlink() for folder in Path(name).parents):
                continue
            if source.is_symlink() or source.is_file():  # not what was deleted, nor a submodule's folder
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source, target, follow_symlinks=False)

    return copy


def names_the_port(service: Workload, pod: Path) -> bool:
    """Whether the service's script, or a Python file beside it, names the variable that says on which port to listen."""
    values = {name: said for name, said in service.main.env if isinstance(said, str)}
    workspace = dict(folders(service.main, pod)).get(values.get("BODYWORK_WORKSPACE", ""))
    if workspace is None:
        return False
    project = Path(workspace, "project", values.get("BODYWORK_FOLDER", ""))
    scripts = [found for word in service.main.argv if (found := project / word).is_file()]
    beside = [file for script in scripts for file in sorted(script.parent.glob("*.py"))]
    return any(PORT_VARIABLE.encode() in file.read_bytes() for file in dict.fromkeys([*scripts, *beside]))
