"""Text from elsewhere, made harmless for where it is shown: a terminal, the log of a CI job.

Names, branches, commit messages, file names, other programs' words and stages' logs may hold what moves a cursor, hides text, turns its
direction or steers the CI job that shows it. `streams.py` sends all that we write through here.
"""

from __future__ import annotations

import re

_RESET = "\x1b[0m"
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# every other escape sequence: CSI, then the ones with a string up to BEL or ST (titles, links), then the two-character ones
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|\n|\Z)|\x1b[ -/]*[0-~]?")
# controls but the tab, line separators that are no line feed, marks of direction (https://www.unicode.org/reports/tr9/), the byte order mark
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
# GitHub's runner obeys `::command::` at a line's start and `##[command]` anywhere in it, Azure Pipelines `##vso[command]`, TeamCity its own:
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
# https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands
# `core.PodSpec{Volumes: …}`, `&errors.StatusError{…}`, `[]string{…}`, `map[a:b]`: https://pkg.go.dev/fmt#hdr-Printing
_GO_VALUE = re.compile(r"&?(?:\[\]\*?(?:\w+\.)?\w+|map\[\w+\][\w.]+|\*?\b[a-z]\w*\.[A-Z]\w*)\{|\bmap\[|(?<![\w$])\{v\d\w*\.[A-Z]\w*|&\w*\{")
_TYPE_GOES_ON = re.compile(r"\][\w{*]")  # as in `[]string{` and `map[string]int{`
_INVALID_VALUE = re.compile(r'Invalid value: "?…"?: ?(?=\S)')
_RUNNER_COMMAND = re.compile(r"^(\s*):(?=:)|##(?=(?:vso|teamcity)?\[)", re.IGNORECASE)


def printable(line: str) -> str:
    """One line without escape sequences, controls and marks of direction. A line feed goes too: what has several lines is split before."""
    return line if line.isprintable() else _UNSAFE.sub("", _ESCAPE.sub("", line))


def log_line(line: str, *, colours: bool = False) -> str:
    """A line of a stage's log: `printable`, but colours stay when asked for, and end with the line.

    A progress bar writes its line again and again behind carriage returns: what a terminal would show in the end is kept.
    """
    if line.isprintable():
        return line
    drawn = [part for part in line.split("\r") if part]
    last = drawn[-1] if drawn else ""
    if not colours:
        return printable(last)
    painted = "".join(code + printable(text) for code, text in _painted(last))
    return painted + _RESET if _COLOUR.search(painted) else painted


def seen_places(line: str, *, with_colours: bool) -> list[int]:
    """Where in the line the characters are that `log_line` leaves of it to be read."""
    hidden = bytearray(len(line))
    ends = [found.span() for found in _COLOUR.finditer(line)] if with_colours else []
    for begin, end in zip([0, *(end for _, end in ends)], [*(begin for begin, _ in ends), len(line)], strict=True):
        for pattern in (_ESCAPE, _UNSAFE):
            for found in pattern.finditer(line, begin, end):
                hidden[found.start() : found.end()] = bytes([1]) * len(found[0])
    for begin, end in ends:
        hidden[begin:end] = bytes([1]) * (end - begin)
    return [place for place, is_hidden in enumerate(hidden) if not is_hidden]


def marked(line: str) -> str:
    """One line in which � is in the place of each character that cannot be shown: columns stay, and what is wrong is seen."""
    return line if line.isprintable() else "".join(character if character.isprintable() else "�" for character in line)


def without_runner_commands(line: str) -> str:
    """The line as text: what is shown must not steer the CI job that shows it."""
    return _RUNNER_COMMAND.sub(lambda found: f"{found[0]} ", line) if "::" in line or "##" in line else line


def without_go_values(message: str) -> str:
    """A message of Kubernetes without the values of Go that it repeats: whole objects, which say nothing to who is to mend one field."""
    parts, at = [], 0
    for found in _GO_VALUE.finditer(message):
        if found.start() >= at:
            parts += [message[at : found.start()], "…"]
            at = _end_of_value(message, found.start())
    return _INVALID_VALUE.sub("", "".join([*parts, message[at:]])) if parts else message


def _end_of_value(text: str, begin: int) -> int:
    """Behind the bracket that closes the first one that is open; the end of the text where there is none."""
    depth, is_quoted, place = 0, False, begin
    while place < len(text):
        character = text[place]
        if character == "\\":
            place += 1
        elif character == '"':
            is_quoted = not is_quoted
        elif not is_quoted and character in "{[":
            depth += 1
        elif not is_quoted and character in "}]":
            depth -= 1
            if depth == 0 and not _TYPE_GOES_ON.match(text, place):
                return place + 1
        place += 1
    return len(text)


def _painted(line: str) -> list[tuple[str, str]]:
    """The line as pairs of a colour code and the text that it paints; the first pair has no code."""
    codes = ["", *_COLOUR.findall(line)]
    return list(zip(codes, _COLOUR.split(line), strict=True))
