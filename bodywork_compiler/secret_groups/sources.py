"""What was typed into values: `K=V`, the environment, a hidden prompt, files, standard input. All that is wrong is said at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.values import value

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


STDIN = "-"
LARGEST_BYTES = 1_048_576  # the API server's limit for all values of a secret together
_KEY = re.compile(r"(?!\.\.|\.$)[-._a-zA-Z0-9]{1,253}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")  # surely a name: a value that was pasted in its place is not repeated
_QUOTED = re.compile(r"""(["']).*\1""", re.DOTALL)
HOW = "Give them as --data KEY=VALUE, --data KEY (its value from the environment), --from-file KEY=PATH or --from-env-file PATH."


@value
class Typed:
    """The options as they were given."""

    data: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()


@value
class World:
    """Where values come from; `prompt` is None where nobody sits."""

    environ: Mapping[str, str]
    stdin: Callable[[], bytes]
    prompt: Callable[[str], str] | None = None


@value
class Change:
    """What a secret shall hold, what it shall no longer hold, and what is to be said of it."""

    values: Mapping[str, bytes]
    removed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class _Wrong(Exception):
    """One problem, in words."""


class _Item(NamedTuple):
    """One value that was asked for: `of` gets it, and raises _Wrong. `waits`: for somebody who types, or pipes it in."""

    key: str
    origin: str
    of: Callable[[], bytes]
    waits: bool = False


def read(typed: Typed, world: World, *, may_remove: bool = False) -> Change:
    """The values of all sources. A BodyworkError says every problem."""
    reading = _Reading(world, may_remove=may_remove)
    for source, each in (
        *((reading.data, each) for each in typed.data),
        *((reading.file, each) for each in typed.files),
        *((reading.env_file, each) for each in typed.env_files),
    ):
        reading.take(source, each)
    return reading.change()


class _Reading:
    """Goes through the sources and collects what they give, and what is wrong with them."""

    def __init__(self, world: World, *, may_remove: bool) -> None:
        self._world = world
        self._may_remove = may_remove
        self._items: dict[str, _Item] = {}
        self._removed: list[str] = []
        self._problems: list[str] = []
        self._notes: list[str] = []
        self._stdin_is_for: str | None = None
        self._count = self._files = 0

    def take(self, source: Callable[[str], Iterator[_Item]], given: str) -> None:
        try:
            items = list(source(given))
        except _Wrong as wrong:
            self._problems.append(str(wrong))
            return
        for item in items:
            self._add(item)

    def data(self, given: str) -> Iterator[_Item]:
        key, equals, text = given.partition("=")
        self._count += 1
        origin = f"--data {key}" if _VARIABLE.fullmatch(key.removesuffix("-")) else f"--data (number {self._count})"
        if not equals and key.endswith("-"):
            self._remove(key[:-1], origin)
            return
        if not equals:
            yield _Item(key, origin, lambda: self._from_environment(key, origin), waits=key not in self._world.environ)
        elif text == STDIN:
            yield _Item(key, origin, self._stdin(origin, is_text=True), waits=True)
        else:
            yield _Item(key, origin, lambda: _not_empty(text, origin))

    def file(self, given: str) -> Iterator[_Item]:
        key, equals, path = given.partition("=")
        if not equals:
            key, path = Path(given).name, given
        self._files += 1
        # a value that was typed in place of a file's name is not repeated
        is_name = _is_there(path) or (equals and _VARIABLE.fullmatch(key))
        origin = f"--from-file {key}" if is_name else f"--from-file (number {self._files})"
        if path == STDIN:
            yield _Item(key, origin, self._stdin(origin), waits=True)
        else:
            yield _Item(key, origin, lambda: _content(path, origin))

    def env_file(self, path: str) -> Iterator[_Item]:
        origin = f"--from-env-file {path}" if path == STDIN or _is_there(path) else "--from-env-file"
        content = self._stdin(origin)() if path == STDIN else _content(path, origin)
        try:
            lines = content.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as fault:
            raise _Wrong(f"{origin}: is not UTF-8 (byte {fault.start})") from None
        for number, line in enumerate(lines, start=1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield self._env_line(line.lstrip(), f"{path}:{number}")

    def change(self) -> Change:
        values = {
            item.key: got for item in sorted(self._items.values(), key=lambda item: item.waits) if (got := self._got(item)) is not None
        }
        self._check_size(values)
        if self._problems:
            said = "\n  ".join(self._problems)
            raise BodyworkError(f"the secret's values cannot be read:\n  {said}", hint=HOW)
        healed = {key: mended(key, value) for key, value in values.items()}
        notes = (*self._notes, *(note for _, notes in healed.values() for note in notes))
        return Change(values={key: value for key, (value, _) in healed.items()}, removed=tuple(self._removed), notes=notes)

    def _env_line(self, line: str, place: str) -> _Item:
        key, equals, text = line.partition("=")
        if not equals:
            return _Item(key.rstrip(), place, lambda: self._from_environment(key.rstrip(), place))
        if _QUOTED.fullmatch(text):
            self._notes.append(f"{place}: {key}: the quotes around its value are part of it")
        return _Item(key, place, text.encode)

    def _add(self, item: _Item) -> None:
        if not _KEY.fullmatch(item.key):
            self._problems.append(f"{item.origin}: no key, which is made of letters, digits, `-`, `_` and `.`")
        elif item.key in self._items or item.key in self._removed:
            self._problems.append(f"{item.origin}: this key is given twice")
        else:
            self._items[item.key] = item

    def _remove(self, key: str, origin: str) -> None:
        if not self._may_remove:
            raise _Wrong(f"{origin}: removes a key, and so is for `update` only")
        if key in self._items or key in self._removed:
            raise _Wrong(f"{origin}: this key is given twice")
        self._removed.append(key)

    def _got(self, item: _Item) -> bytes | None:
        if item.waits and self._problems and self._world.prompt is not None:  # nobody types a password for what is refused anyhow
            return None
        try:
            return item.of()
        except _Wrong as wrong:
            self._problems.append(str(wrong))
            return None

    def _from_environment(self, key: str, origin: str) -> bytes:
        if key in self._world.environ:
            return _not_empty(self._world.environ[key], f"{origin}: the environment variable of that name")
        if self._world.prompt is None:
            raise _Wrong(f"{origin}: has no value, and there is no environment variable of that name")
        return _not_empty(self._world.prompt(key), origin)

    def _stdin(self, origin: str, *, is_text: bool = False) -> Callable[[], bytes]:
        if self._stdin_is_for:
            raise _Wrong(f"{origin}: standard input is read for {self._stdin_is_for} already")
        self._stdin_is_for = origin

        def read_all() -> bytes:
            content = self._world.stdin()
            if not content:
                raise _Wrong(f"{origin}: standard input is empty")
            return content.removesuffix(b"\n").removesuffix(b"\r") if is_text else content

        return read_all

    def _check_size(self, values: Mapping[str, bytes]) -> None:
        size = sum(map(len, values.values()))
        if size > LARGEST_BYTES:
            self._problems.append(f"{size:,} bytes in all: a secret holds {LARGEST_BYTES:,} at most")


def _not_empty(text: str, origin: str) -> bytes:
    """An empty value is mostly a shell's variable that is not set."""
    if not text:
        raise _Wrong(f"{origin}: an empty value")
    return text.encode(errors="surrogateescape")


def _content(path: str, origin: str) -> bytes:
    try:
        return _expanded(path).read_bytes()
    except (OSError, ValueError) as fault:
        shown = f"{path} " if _is_there(path) else ""
        raise _Wrong(f"{origin}: {shown}cannot be read: {getattr(fault, 'strerror', None) or 'No such file'}") from None


def _is_there(path: str) -> bool:
    return os.path.exists(_expanded(path))  # noqa: PTH110 - never raises, as Path.exists() does


def _expanded(path: str) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - never raises, as Path.expanduser() does
