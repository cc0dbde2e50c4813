"""Pip's requirements as text: what they say, with the files that they name, and whether it means the same thing in every folder.

An environment is shared by all projects whose requirements are the same text. What names something on this machine (`wheels/thing-1.0.whl`,
`--find-links wheels`, `-e .`) is another thing in each project, so only what is known to name none of it may be shared.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bodywork_compiler.errors import BodyworkError

_OF_FILES = ("-r", "--requirement", "-c", "--constraint")
# https://pip.pypa.io/en/stable/reference/requirements-file-format/#supported-options; what takes a path is not among them
_OF_ADDRESSES = ("-i", "--index-url", "--extra-index-url", "-f", "--find-links")
_WITH_WORD = ("--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--hash")
_WITHOUT_WORD = ("--pre", "--prefer-binary", "--require-hashes", "--no-index")
_ADDRESS = re.compile(r"(?:(?:git|hg|svn|bzr)\+)?(?:https?|ssh)://\S+", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]/\\]*\])?")
# pip takes a bare name that ends so for a file beside it
_ARCHIVE = re.compile(r"\.(?:whl|zip|tar|tgz|tbz|txz|tlz|tar\.\w+)$", re.IGNORECASE)
_VERSION = re.compile(r"\s*(?:(?:===|[<>=!~]=?)\s*[\w.*+!-]+\s*)?")
_REMARK = re.compile(r"(?:^|\s)#.*")
_PINNED = re.compile(r"\s*(?:#.*|[\w.\[\],-]+\s*===?\s*[^*\s;#]+(?:\s*[;#\\].*|\s+--hash=.*)?|--hash=.*|-.*)?", re.DOTALL)
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")  # pip puts in what the environment has
# of pip's and uv's variables, those that may name a file or a folder whose content is installed
_PLACES = re.compile(r"(?:PIP|UV)_(?!NO_)\w*(?:FIND_LINKS|INDEX|INDEX_URL|CONSTRAINT|REQUIREMENT|OVERRIDE|EDITABLE|CONFIG_FILE|SRC)")


def lines_of(arguments: Sequence[str], project: Path) -> tuple[str, ...]:
    """One for each requirement or option; in place of `-r FILE` and `-c FILE` what the file says."""
    words = iter(arguments)
    said = [f"{word} {shlex.quote(next(words, ''))}" if word in _OF_FILES else word for word in words]
    return tuple(_expanded(said, project, ()))


def is_the_same_everywhere(lines: Iterable[str], env: Mapping[str, str]) -> bool:
    """Whether nothing in it names a place on this machine: only what is surely so counts."""
    places = [word for name, text in env.items() if _PLACES.fullmatch(name) for word in text.split() if word != os.devnull]
    addresses = (re.sub(r"^[\w-]+=", "", place) for place in places)  # uv's have names: UV_INDEX="mine=https://…"
    return all(map(_ADDRESS.fullmatch, addresses)) and all(map(_names_no_place, lines))


def is_pinned(lines: Iterable[str]) -> bool:
    return all(_PINNED.fullmatch(line) and not _file_of(line) for line in lines)


def variables_of(lines: Iterable[str]) -> set[str]:
    """The names of the variables that pip will put into them."""
    return {name for line in lines for name in _VARIABLE.findall(line)}


def _expanded(lines: Iterable[str], folder: Path, seen: tuple[Path, ...]) -> Iterator[str]:
    for line in lines:
        named = _file_of(line)
        file = folder / named if named and not _ADDRESS.fullmatch(named) else None
        if file is None or file in seen:
            yield line
            continue
        try:
            text = file.read_text(encoding="utf-8-sig", errors="replace")
        except (OSError, ValueError) as fault:
            raise BodyworkError(f"{named}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault
        # a constraint is not a requirement
        yield "# constraints:" if line.lstrip().startswith(("-c", "--constraint")) else "# requirements:"
        yield from _expanded(_lines(text), file.parent, (*seen, file))
        yield "# end"


def _lines(text: str) -> list[str]:
    """Without remarks; a line that ends with a backslash goes on."""
    joined = re.sub(r"\\\r?\n", " ", text)
    return [line.strip() for each in joined.splitlines() if (line := _REMARK.sub("", each)).strip()]


def _file_of(line: str) -> str | None:
    """What `-r FILE` and its like name; None for everything else, a line with more than that too."""
    words = _words(line)
    for option in _OF_FILES:
        if len(words) == 2 and words[0] == option:  # noqa: PLR2004 - the option and its file
            return words[1]
        glued = f"{option}=" if option.startswith("--") else option
        if len(words) == 1 and words[0].startswith(glued) and len(words[0]) > len(glued) and not words[0].startswith("-" + option):
            return words[0][len(glued) :]
    return None


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote that does not end
        return [line]


def _names_no_place(line: str) -> bool:
    line = line.strip()
    if not line or line.startswith("#") or _ADDRESS.fullmatch(line.partition(";")[0].strip()):
        return True
    if line.startswith("-"):
        file = _file_of(line)
        return bool(_ADDRESS.fullmatch(file)) if file else _are_known_options(_words(line))
    requirement, *hashes = re.split(r"(?<!\s)\s+(?=--hash[= ])", line)
    return _is_by_name(requirement.partition(";")[0].strip()) and all(_are_known_options(_words(each)) for each in hashes)


def _is_by_name(requirement: str) -> bool:
    name = _NAME.match(requirement)
    if name is None or _ARCHIVE.search(name[0].partition("[")[0].strip()):
        return False
    rest = requirement[name.end() :].strip()
    if rest.startswith("@"):
        return bool(_ADDRESS.fullmatch(rest[1:].strip()))
    versions = rest[1:-1] if rest.startswith("(") and rest.endswith(")") else rest
    return all(map(_VERSION.fullmatch, versions.split(",")))


def _are_known_options(words: Sequence[str]) -> bool:
    rest = iter(words)
    for word in rest:
        option, equals, text = word.partition("=")
        if word in _WITHOUT_WORD:
            continue
        if option not in (*_OF_ADDRESSES, *_WITH_WORD):
            return False
        text = text if equals else next(rest, "")
        if option in _OF_ADDRESSES and not _ADDRESS.fullmatch(text):
            return False
    return True
