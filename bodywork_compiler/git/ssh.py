"""How git reaches a server by SSH with a key that was named: which options ssh gets, which hosts it trusts, and what its complaints mean."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git.url import host_and_port
from bodywork_compiler.to_copy import to_copy
from bodywork_compiler.values import value

_OPTIONS = ("IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=yes")
_USERS_OWN = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2", "/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")
_PRIVATE = re.compile(rb"-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----((?:(?!-----BEGIN ).)*?)-----END", re.DOTALL)
# https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key: a magic, then the cipher's name with its length in front
_MAGIC = b"openssh-key-v1\0"
_NO_CIPHER = b"\0\0\0\4none"


@value
class Identity:
    """A private key's file. `known_hosts` is a file that replaces the user's own; None: these."""

    key: Path
    known_hosts: Path | None = None


class Complaint(NamedTuple):
    """Why a server did not let git in, in one line, and what to do."""

    reason: str
    hint: str


def environment(identity: Identity | None) -> Mapping[str, str]:
    """What git is given, so that ssh uses this key and no other, and asks nothing."""
    if identity is None:
        return {}
    import shlex

    known = (f'UserKnownHostsFile="{identity.known_hosts.resolve()}"',) if identity.known_hosts else ()
    words = ["ssh", "-i", str(identity.key.resolve()), *(word for option in (*_OPTIONS, *known) for word in ("-o", option))]
    return {"GIT_SSH_COMMAND": shlex.join(words)}


def checked(identity: Identity) -> Identity:
    """Raise for a file that is not a private key, or one that only a person can use. What is not a file may be the key itself: it is not repeated."""
    content = _content_of("--ssh", identity.key, "the private key, such as ~/.ssh/deploy_key; not the key itself")
    if identity.known_hosts:
        _content_of("--known-hosts", identity.known_hosts, "host keys, such as ~/.ssh/known_hosts")
    found = _PRIVATE.search(content)
    if not found:
        public = " It is a public one; the private one has no .pub." if content.startswith((b"ssh-", b"ecdsa-")) else ""
        raise BodyworkError(
            f"--ssh {identity.key}: is not a private SSH key.{public}", hint="Make one: ssh-keygen -t ed25519 -N '' -f deploy_key"
        )
    if _is_encrypted(found[1], found[2]):
        raise BodyworkError(
            f"--ssh {identity.key}: has a passphrase, which nobody can type in a pod",
            hint="Make a key of its own for this, without one: ssh-keygen -t ed25519 -N '' -f deploy_key",
        )
    return identity


def _content_of(option: str, file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except (OSError, ValueError) as fault:
        shown = f" {file}" if os.path.exists(file) else ""  # noqa: PTH110 - never raises
        why = (getattr(fault, "strerror", None) or "no such file").lower()
        raise BodyworkError(
            f"{option}{shown}: cannot be read: {why}", hint=f"Give the path of a file with {what}: {option} FILE"
        ) from fault


def _is_encrypted(kind: bytes, body: bytes) -> bool:
    import base64
    import binascii

    if kind.strip() != b"OPENSSH":
        return kind.strip() == b"ENCRYPTED" or b"ENCRYPTED" in body
    try:
        return not base64.b64decode(b"".join(body.split())).startswith(_MAGIC + _NO_CIPHER)
    except binascii.Error:
        return False


def known_hosts_of(identity: Identity, url: str) -> str:
    """The lines of known_hosts about the url's server. Raises BodyworkError where there are none."""
    host, port = host_and_port(url)
    files = (identity.known_hosts,) if identity.known_hosts else tuple(Path(each).expanduser() for each in _USERS_OWN)
    lines = [line for file in files for line in _about(_name(host, port), file)]
    if not lines:
        said = unknown_host(url, identity)
        raise BodyworkError(f"{url}: {said.reason}", hint=said.hint)
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _about(name: str, file: Path) -> list[str]:
    """Asked of ssh-keygen, which knows hashed names and patterns too."""
    import subprocess

    if not file.is_file():
        return []
    try:
        done = subprocess.run(
            ["ssh-keygen", "-F", name, "-f", str(file)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as missing:
        raise BodyworkError("ssh-keygen is not on the PATH", hint="Install OpenSSH's client.") from missing
    return [line for line in done.stdout.splitlines() if line and not line.startswith("#")]


def unknown_host(url: str, identity: Identity | None) -> Complaint:
    from shlex import quote

    host, port = host_and_port(url)
    file = quote(str(identity.known_hosts)) if identity and identity.known_hosts else "~/.ssh/known_hosts"
    scan = to_copy("ssh-keyscan", *(["-p", str(port)] if port else []), names=[host])
    # never written by us: whoever answers just now would be trusted
    return Complaint(
        f"the host key of {_name(host, port)} is not known",
        f"Compare what `{scan}` prints with what the server's owner publishes, then: {scan} >> {file}",
    )


def complaint_of(words: str, url: str, identity: Identity | None) -> Complaint | None:
    """What ssh's words mean; None where they are not about keys."""
    from shlex import quote

    if "HOST IDENTIFICATION HAS CHANGED" in words:
        return Complaint(
            "its host key is another one than known_hosts says",
            "Ask the server's owner whether it was changed, before you trust it: somebody may stand between you and it.",
        )
    if "Host key verification failed" in words:
        return unknown_host(url, identity)
    if "UNPROTECTED PRIVATE KEY FILE" in words and identity:
        return Complaint("ssh refuses a key that others may read", f"chmod 600 {quote(str(identity.key))}")
    if "error in libcrypto" in words or "invalid format" in words:
        return Complaint("ssh cannot read the key: it may have lost line breaks, the last one too", "Take it anew from where it was made.")
    if "Permission denied (" in words:
        return Complaint("it does not accept the SSH key", _not_accepted(url, identity))
    return None


def _not_accepted(url: str, identity: Identity | None) -> str:
    if identity is None:
        return f"Try it by hand, it must work without asking: ssh-add -l; {to_copy('git', 'ls-remote', names=[url])} Or name a key: --ssh KEYFILE."
    from shlex import quote

    return f"Its public half must be among the repository's (deploy) keys: ssh-keygen -y -f {quote(str(identity.key))}"


def _name(host: str, port: int | None) -> str:
    """As known_hosts has it."""
    return f"[{host}]:{port}" if port else host


def identity_of(key: str | os.PathLike[str] | None, known_hosts: str | os.PathLike[str] | None) -> Identity | None:
    """From what was typed; None where no key was named."""
    if key is None:
        return None
    return checked(Identity(key=_expanded(key), known_hosts=_expanded(known_hosts) if known_hosts else None))


def _expanded(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - never raises, as Path.expanduser() does
