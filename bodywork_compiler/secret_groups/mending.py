"""Private SSH keys that were pasted: what a terminal, a shell or a JSON file did to their lines is undone. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bodywork_compiler import labels

KEYS = {labels.SSH_SECRET[1], labels.SSH_SECRET_V1[1]}
_PRIVATE = re.compile(
    r"\s*(?P<first>-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----)(?P<body>.*?)(?P<last>-----END [A-Z0-9 ]*PRIVATE KEY-----)\s*", re.DOTALL
)


def mended(key: str, value: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The value as ssh takes it, with what was done to it in words. Only of a secret's key that holds an SSH key."""
    if key not in KEYS:
        return value, ()
    text = value.decode(errors="replace")
    found = _PRIVATE.fullmatch(text.replace("\\r", "").replace("\\n", "\n"))
    if found is None:
        return value, (f"{key}: this does not look like a private key, which begins with -----BEGIN … PRIVATE KEY-----",)
    whole = "\n".join([found["first"], *_lines(found["body"]), found["last"], ""])
    if whole == text:
        return value, ()
    return whole.encode(), (f"{key}: mended: {', '.join(_faults(text)) or 'blanks around it were removed'}",)


def _lines(body: str) -> list[str]:
    """Without line breaks at all, a blank stood for each."""
    stripped = body.strip()
    return [line.rstrip() for line in stripped.splitlines()] if "\n" in stripped else stripped.split()


def _faults(text: str) -> Iterator[str]:
    if "\\n" in text:
        yield r"`\n` became line breaks"
    elif "\n" not in text.strip():
        yield "blanks became line breaks"
    if "\r" in text or "\\r" in text:
        yield "carriage returns were removed"
    if not text.endswith(("\n", "\\n")):
        yield "its last line break was missing"
