"""Values of secrets in what a program prints: `***` takes their place. For the start scripts in a pod, and for the driver.

A value is known as it is, line by line, and as programs usually write it: percent-encoded, as JSON, as Python's and a shell's quoted text, as
HTML, in hexadecimal and in base64, there also behind something else (`user:value`). So is the password of an address (https://user:password@host).
Values of fewer than 4 characters are left alone: they are part of too many words. Python 3.8 and the standard library.
"""

from __future__ import annotations

import base64
import html
import json
import os
import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MASK = "***"
VARIABLES = "BODYWORK_SECRET_VARIABLES"  # names the container's variables that hold secrets, with spaces between them
SHORTEST = 4  # characters of what is masked
SHORTEST_ROW = 8  # characters of a row of base64 that is wrapped: its last one may be a syllable
SHORTEST_USER = 16  # characters of a user's name in an address that may be a token
ROWS = (76, 64)  # as `base64` and PEM wrap
LONGEST_ENCODED = 16384  # a longer value is a file: known by its lines and its base64
READ_BYTES = 65536
# what percent-encoding leaves as it is differs: Python's quote, JavaScript's encodeURIComponent, Java's URLEncoder, a URL that is cleaned up
UNESCAPED = ("", "/", "!'()*", "*", "!#$&'()*+,/:;=?@[]")
_USER_OF_ADDRESS = re.compile(r"(?<=[a-zA-Z0-9+.-])://([^\s/?#:@]*)(?::([^\s/?#]*))?@")


def forms(value: bytes) -> set[str]:
    """Everything by which a value can be recognised within one line; bytes that are not UTF-8 are surrogates."""
    bare = value.strip()
    text = _text(bare)
    # not splitlines(): a log's lines end at these two only
    lines = [line.strip() for line in re.split(r"[\r\n]+", text)]
    parts = {*lines, *(part for line in lines for part in logins(line))}
    found = {form for part in parts if len(part) >= SHORTEST for form in _written(part)}
    if len(text) >= SHORTEST:
        found.update(_escaped(text))
        # `echo VALUE | base64` has a line break more than the value
        for encoded in {value, bare, bare + b"\n"}:
            found.update(_base64(encoded))
    return {form for form in found if len(form) >= SHORTEST and "\n" not in form and "\r" not in form}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def logins(line: str) -> Iterator[str]:
    """Passwords, and what may be tokens, of the addresses in a line."""
    for user, password in _USER_OF_ADDRESS.findall(line):
        yield from (password, unquote(password))
        if len(user) >= SHORTEST_USER:
            yield from (user, unquote(user))


def _written(line: str) -> Iterator[str]:
    """One line as programs write it."""
    yield line
    if len(line) > LONGEST_ENCODED:
        return
    raw = line.encode("utf-8", "surrogateescape")
    yield from _escaped(line)
    for safe in UNESCAPED:
        quoted = quote(raw, safe=safe)
        for each in {quoted, quoted.replace("%20", "+")}:
            yield from (each, re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), each))
    yield from (html.escape(line), html.escape(line, quote=False), html.escape(line).replace("&#x27;", "&#39;"))
    for quote_in_quotes in ("'\"'\"'", "'\\''"):  # Python's shlex, a shell's `set -x`
        yield line.replace("'", quote_in_quotes)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", line)  # a shell's printf %q
    yield from (raw.hex(), raw.hex().upper())


def _escaped(text: str) -> Iterator[str]:
    """Between the quotes of JSON (also of JSON inside JSON) and of Python's repr: line breaks are `\\n` there."""
    if len(text) > LONGEST_ENCODED:
        return
    for readable in (True, False):
        once = json.dumps(text, ensure_ascii=not readable)[1:-1]
        yield from (once, once.replace("/", "\\/"), json.dumps(once, ensure_ascii=not readable)[1:-1])
    for shown in (repr(text)[1:-1], repr(text.encode("utf-8", "surrogateescape"))[2:-1], ascii(text)[1:-1]):
        bare = shown.replace("\\'", "'")
        yield from (shown, bare, bare.replace("'", "\\'"))


def _base64(value: bytes) -> Iterator[str]:
    """At the three places where it may begin within a group of three bytes; what its own bytes decide of it, and that with the text's end."""
    for shift, begins in enumerate((0, 2, 3)):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded = encode(b"\0" * shift + value).decode().rstrip("=")
            yield from (encoded[begins:], encoded[begins : (shift + len(value)) * 8 // 6])
            for width in ROWS if shift == 0 and len(encoded) > min(ROWS) else ():
                rows = (encoded[at : at + width] for at in range(0, len(encoded), width))
                yield from (row for row in rows if len(row) >= SHORTEST_ROW)


class Masker:
    """Finds all forms at once: a pattern of their first four characters says where one may begin, so that many cost little more than one."""

    def __init__(self, known: Iterable[str]) -> None:
        self._by_start: dict[str, list[str]] = {}
        for form in sorted(set(known), key=len, reverse=True):
            self._by_start.setdefault(form[:SHORTEST], []).append(form)
        self._starts = re.compile(_any_of(self._by_start)) if self._by_start else None
        self.longest = max((len(each[0]) for each in self._by_start.values()), default=0)

    def text(self, text: str) -> str:
        if self._starts is None or self._starts.search(text) is None:
            return text
        return self.until(text, len(text))[0]

    def until(self, text: str, end: int) -> tuple[str, int]:
        """Masked up to `end`, or to the end of what began before it; and where that is. What overlaps is one mask."""
        parts: list[str] = []
        done = 0
        for start, stop in self.spans(text):
            if start >= max(end, done):
                break
            if start >= done:
                parts += (text[done:start], MASK)
            done = max(done, stop)
        end = max(end, done)
        return "".join([*parts, text[done:end]]), end

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        found = self._starts.search(text) if self._starts else None
        while found:
            start = found.start()
            for form in self._by_start[found[0]]:
                if text.startswith(form, start):
                    yield start, start + len(form)
                    break
            found = self._starts.search(text, start + 1) if self._starts else None


def _any_of(words: Iterable[str]) -> str:
    """A pattern for words of one length, each of their characters tried once."""
    rests: dict[str, set[str]] = {}
    for word in words:
        rests.setdefault(word[0], set()).add(word[1:])
    if rests.keys() and all(rest == {""} for rest in rests.values()):
        return "[" + "".join(re.escape(first) for first in sorted(rests)) + "]"
    return "(?:" + "|".join(re.escape(first) + _any_of(sorted(rest)) for first, rest in sorted(rests.items())) + ")"


class Stream:
    """Bytes as they come, in pieces of any length. What may be the beginning of a value waits for the rest of its line."""

    def __init__(self, values: Iterable[bytes]) -> None:
        # Latin-1 has a character for each byte, so that nothing is lost of what is not text
        known = {form.encode("utf-8", "surrogateescape").decode("latin-1") for value in values for form in forms(value)}
        self._masker = Masker(known)
        self._held = ""

    @property
    def knows_some(self) -> bool:
        return self._masker.longest > 0

    def feed(self, piece: bytes) -> bytes:
        text = self._held + piece.decode("latin-1")
        line = max(text.rfind("\n"), text.rfind("\r")) + 1
        masked, end = self._masker.until(text, max(line, len(text) - self._masker.longest + 1))
        self._held = text[end:]
        return masked.encode("latin-1")

    def end(self) -> bytes:
        held, self._held = self._held, ""
        return self._masker.text(held).encode("latin-1")


def stream_for(environment: Mapping[str, str]) -> Stream:
    """For a container with this environment."""
    names = environment.get(VARIABLES, "").split()
    return Stream(environment[name].encode("utf-8", "surrogateescape") for name in names if name in environment)


def write(output: int, data: bytes) -> None:
    while data:
        data = data[os.write(output, data) :]


def copy(source: int, output: int, stream: Stream) -> None:
    """All that comes from `source`, until nobody can write to it any more."""
    while True:
        piece = os.read(source, READ_BYTES)
        if not piece:
            break
        write(output, stream.feed(piece))
    write(output, stream.end())
