"""What both generations' values mean alike."""

from __future__ import annotations

import posixpath

from bodywork_compiler import names

# the ancestor never waited less than 60 s for a service, so 0 worked there
STARTUP_SECONDS_FOR_0 = 60


def relative(path: str) -> str:
    """A path as the Project has it: `/` between folders, no `./` in front."""
    return posixpath.normpath(path)


def leaves_project(path: str) -> bool:
    return path.startswith("/") or relative(path).split("/")[0] == ".."


def namespace_for(name: str) -> str | None:
    """The namespace that a pipeline's name gives where that is not simply the name in lower case."""
    return None if names.is_dns_label(name.lower()) else names.clean(name)
