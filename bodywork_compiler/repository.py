"""Which repository an address is of, however it is spelled. Pure."""

from __future__ import annotations

import re

_SCHEME = re.compile(r"^(?:git\+)?(?P<scheme>[a-zA-Z][a-zA-Z0-9.-]*)(?:\+git)?://(?P<rest>.*)$", re.DOTALL)
_SCP_LIKE = re.compile(r"^(?:[^@/]+@)?(?P<host>[^:/]+):(?P<path>(?!//).*)$", re.DOTALL)
_PORTS = {"https": ":443", "http": ":80", "ssh": ":22", "git": ":9418"}


def repository(url: str) -> str:
    """`host/path`: the same for git@, ssh://, https:// and git:// addresses, with or without a user, `.git` and a slash at the end.

    A path keeps its case, since not every server takes both for the same; a folder of one machine keeps its `file://`.
    """
    scheme = _SCHEME.match(url)
    if scheme and scheme["scheme"].lower() == "file":
        return f"file://{_path(scheme['rest'])}"
    if scheme:
        authority, _, path = scheme["rest"].partition("/")
        host = authority.rpartition("@")[2].lower().removesuffix(_PORTS.get(scheme["scheme"].lower(), " "))
        return f"{host}/{_path(path).lstrip('/')}"
    scp_like = _SCP_LIKE.match(url)
    if scp_like:
        return f"{scp_like['host'].lower()}/{_path(scp_like['path']).lstrip('/')}"
    return f"file://{_path(url)}"


def is_same(one: str, other: str) -> bool:
    return repository(one) == repository(other)


def _path(path: str) -> str:
    return path.rstrip("/").removesuffix(".git").rstrip("/")
