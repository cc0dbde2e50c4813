"""What of a command line may be a secret, and is never said again: a key in place of its file's name, the value of a secret.

Messages quote what was typed, and not only ours: click's and kubectl's too. Where there is something to hide, all that is printed passes here.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

HIDDEN = "***"
_SHORTEST = 6  # shorter lines are words that messages are made of
_PEM_BEGINS, _PEM_ENDS = "-----BEGIN", "-----END"
# KEY=VALUE as --data takes it, after a variable's name; long options are `--name=value`
_VARIABLE = re.compile(r"([A-Z][A-Z0-9_]*=)(.+)", re.DOTALL)
_LONG_OPTION = re.compile(r"--[a-z][a-z-]*=(.*)", re.DOTALL)


@contextmanager
def never_said(argv: Sequence[str]) -> Iterator[None]:
    """While the block lasts, both output streams are without the secrets among these words."""
    if not any(_secrets(argv)):
        yield
        return
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Hiding(sys.stdout, argv), _Hiding(sys.stderr, argv)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Hiding:
    """A stream, of text or bytes, that says `***` for each secret."""

    def __init__(self, stream: Any, argv: Sequence[str]) -> None:
        self._stream, self._argv = stream, argv

    @property
    def below(self) -> _Hiding:
        from bodywork_compiler import streams

        return _Hiding(streams.below(self._stream), self._argv)

    @property
    def buffer(self) -> _Hiding:
        return _Hiding(self._stream.buffer, self._argv)

    def write(self, said: str | bytes) -> int:
        if isinstance(said, str):
            self._stream.write(hidden(said, self._argv))
        else:
            self._stream.write(hidden(bytes(said).decode("utf-8", "surrogateescape"), self._argv).encode("utf-8", "surrogateescape"))
        return len(said)

    def writelines(self, lines: Sequence[str] | Sequence[bytes]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def hidden(text: str, argv: Sequence[str]) -> str:
    """The text without the secrets among the words of a command line."""
    for secret, shown in sorted(_secrets(argv), key=lambda pair: -len(pair[0])):
        text = text.replace(secret, shown)
    return text


def _secrets(argv: Sequence[str]) -> Iterator[tuple[str, str]]:
    in_key = False
    for argument in argv:
        option = _LONG_OPTION.fullmatch(argument)
        word = option[1] if option else argument
        in_key = in_key or _PEM_BEGINS in word  # a key without quotes around it: the shell made many words of it
        if in_key or "\n" in word or "\\n" in word:
            yield from ((line, HIDDEN) for line in _lines(word))
        elif found := _VARIABLE.fullmatch(word):
            yield found[0], f"{found[1]}{HIDDEN}"
        in_key = in_key and _PEM_ENDS not in word


def _lines(word: str) -> list[str]:
    """Messages quote with `\\n` for a line's end, or not; each line is looked for alone."""
    found = [line.strip() for line in re.split(r"\n|\\n", word)]
    return [line for line in found if len(line) >= _SHORTEST]
