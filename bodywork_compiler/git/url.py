"""Addresses of repositories, as texts. Pure."""

from __future__ import annotations

import re

from bodywork_compiler.errors import BodyworkError

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
# git@github.com:acme/iris.git: git takes it for ssh when no slash stands before the first colon
_SCP_LIKE = re.compile(r"[^/\\:@\s]+@[^/\\:\s]+:[^:]")
# https://git-scm.com/docs/git-clone#_git_urls
_OF_GIT = ("http", "https", "ssh", "git", "git+ssh", "ssh+git", "file")
SSH_PORT = 22
_USER = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*://)([^/@]*(?:@[^/@]*)*)@")


def is_url(where: str) -> bool:
    """Whether `where` is an address that git would fetch from, rather than a folder."""
    return bool(_SCHEME.match(where) or _SCP_LIKE.match(where))


def is_known(url: str) -> bool:
    """Whether git itself fetches from it. For any other scheme git starts a program of that name, and none may be named by an address."""
    scheme = _SCHEME.match(url)
    return scheme.group(1).lower() in _OF_GIT if scheme else bool(_SCP_LIKE.match(url)) and not url.startswith("-")


def is_reachable_elsewhere(url: str) -> bool:
    """Whether another machine could fetch from it: a path or a file:// address is only of this one."""
    return is_url(url) and not url.lower().startswith("file:")


def is_ssh(url: str) -> bool:
    scheme = _SCHEME.match(url)
    return scheme.group(1).lower() in ("ssh", "git+ssh", "ssh+git") if scheme else bool(_SCP_LIKE.match(url))


def host_and_port(url: str) -> tuple[str, int | None]:
    """Of an ssh address; the port is None where it is ssh's own."""
    if "://" not in url:  # git@git.example.com:acme/iris.git
        return url.partition(":")[0].rpartition("@")[2], None
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as why:
        raise BodyworkError(f"{without_credentials(url)}: is not an address that git takes (host or port)") from why
    return host, port if port != SSH_PORT else None


def server_of(url: str) -> str:
    """SCHEME://HOST[:PORT] of an http address."""
    scheme, _, rest = without_credentials(url).partition("://")
    return f"{scheme}://{re.split(r'[/?#]', rest, maxsplit=1)[0]}"


def without_credentials(url: str) -> str:
    """The address as it may be shown and written; over ssh the user's name is part of the address, a password never is."""
    found = _USER.match(url)
    if not found:
        return url
    user = found.group(2).partition(":")[0] + "@" if is_ssh(url) else ""
    return f"{found.group(1)}{user}{url[found.end() :]}"


def credentials(url: str) -> tuple[str, str] | None:
    """User and password (each may be empty) that stand in an http address."""
    found = _USER.match(url)
    if not found or is_ssh(url):
        return None
    from urllib.parse import unquote

    user, _, password = found.group(2).partition(":")
    return unquote(user), unquote(password)
