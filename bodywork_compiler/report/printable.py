"""What a stage prints, made harmless for where it is shown."""

from __future__ import annotations

import re

_RESET = "\x1b[0m"
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
# every other escape sequence: CSI, then the ones with a string up to BEL or ST (titles, links), then the two-character ones
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-~]?")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")
# GitHub's runner obeys `::command::` at a line's start and `##[command]` anywhere in it:
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
_RUNNER_COMMAND = re.compile(r"^(\s*):(?=:)|##(?=\[)")


def printable(line: str, *, colours: bool = False) -> str:
    """One line without characters that move a cursor or ring a bell; colours stay when asked for, and end with the line.

    A progress bar writes its line again and again behind carriage returns: what a terminal would show in the end is kept.
    """
    if line.isprintable():
        return line
    drawn = [part for part in line.split("\r") if part]
    last = drawn[-1] if drawn else ""
    if not colours:
        return _plain(last)
    painted = "".join(code + _plain(text) for code, text in _painted(last))
    return painted + _RESET if _COLOUR.search(painted) else painted


def without_runner_commands(line: str) -> str:
    """The line as text: a stage must not steer the CI job that shows its log."""
    return _RUNNER_COMMAND.sub(lambda found: f"{found[0]} ", line)


def _plain(text: str) -> str:
    return _CONTROL.sub("", _ESCAPE.sub("", text))


def _painted(line: str) -> list[tuple[str, str]]:
    """The line as pairs of a colour code and the text that it paints; the first pair has no code."""
    codes = ["", *_COLOUR.findall(line)]
    return list(zip(codes, _COLOUR.split(line), strict=True))
