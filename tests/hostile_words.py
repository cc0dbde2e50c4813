"""Words that would steer what shows them, and what must not be left of them in what is shown."""

from __future__ import annotations

import re

PARTS = (
    *("\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\link", "\x1b[8m", "\x1bc", "\x1b[31m", "\x9b2J", "\x90q\x9c"),  # escapes
    *("\x00", "\x07", "\x08", "\x0b", "\x0c", "\r", "\x1a", "\x7f", "\x80", "\x85", "\x9f"),  # controls
    *("\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u200e", "\u200f", "\u061c"),  # directions
    *("\u2028", "\u2029"),  # line separators
)
# each begins a line where it can: after a line feed, and after those that are taken away
COMMANDS = (
    "::error::gone",
    "\x1b[m::set-output name=a::b",
    "\u200e::add-mask::x",
    "##[error]gone",
    "##vso[task.complete]",
    "  ::stop-commands::x",
)
HOSTILE = "x" + "y".join(PARTS) + "z" + "\n".join(("", *COMMANDS))
IN_ONE_LINE = "::error::" + HOSTILE.replace("\n", "-").replace("\r", "").replace("\x00", "")

_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_OUR_COLOURS = re.compile(r"\x1b\[(0|2|3[1-6])m")
_COMMAND = re.compile(r"^\s*::|##(vso|teamcity)?\[", re.MULTILINE)


def unsafe_in(shown: str, *, is_ci: bool = False, is_terminal: bool = False) -> list[str]:
    """What is left that steers; of a terminal all but our own colours, and the carriage returns that its line discipline adds."""
    if is_terminal:
        shown = _OUR_COLOURS.sub("", shown).replace("\r\n", "\n")
    found = _UNSAFE.findall(shown)
    return found + [each[0] for each in _COMMAND.finditer(shown)] if is_ci else found
