"""What is asked of a repository, and what was found there: values that all ways to a source share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bodywork_compiler.git.ssh import Identity
from bodywork_compiler.source import Source
from bodywork_compiler.values import value


@value
class Wanted:
    """What of a repository is asked for.

    `output` is the folder that a render is about to write: never part of the source. `ask_remote` asks the remote itself, over the
    network, whether it has the commit. `nearby`: it will run on this machine, which takes the commit from the repository in front of us,
    pushed or not; `as_files`: not even a commit, but the files as they stand. `as_head`: the branch's last commit, and not the last one that
    changed the project.
    """

    branch: str | None = None
    commit: str | None = None
    folder: str = ""
    output: Path | None = None
    inline: bool = False
    ask_remote: bool = False
    nearby: bool = False
    as_files: bool = False
    as_head: bool = False
    ssh: Identity | None = None


@value
class Found:
    """`changed` and `untracked` are what is not committed, relative to the project's folder. `notes` are sentences for the user about the source."""

    source: Source
    changed: tuple[str, ...] = ()
    untracked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@value
class Checkout:
    """`folder` holds the project's files. `found` waits for what git was asked; a config can be read meanwhile.

    `left_out` names links of a commit that were not written, since they lead out of the folder.
    """

    folder: Path
    found: Callable[[], Found]
    left_out: tuple[str, ...] = ()
