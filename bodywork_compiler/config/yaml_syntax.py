"""What YAML's parser says, in our words."""

from __future__ import annotations

import re

import yaml
from yaml.reader import ReaderError

from bodywork_compiler.config.reading import UnreadableError
from bodywork_compiler.config.yaml_values import NO_CHARACTER

# part of the parser's words -> ours, and what to do. libyaml and the pure parser differ in details; what is not here is told in their words
_WORDS = (
    ("invalid Unicode character escape", NO_CHARACTER, None),
    ("that cannot start any token", "this character cannot begin a value", "put the value in quotes"),
    ("scanning an alias", "a `*` begins an alias here", "a value that begins with `*` needs quotes"),
    ("scanning an anchor", "a `&` begins an anchor here", "a value that begins with `&` needs quotes"),
    ("expected ',' or ']'", "a list in `[…]` lacks a `,` or its `]`", None),
    ("expected ',' or '}'", "a mapping in `{…}` lacks a `,` or its `}`", None),
    (
        "expected a single document",
        "a second YAML document begins here; a config is one document",
        "take away the line `---` and what follows it",
    ),
    (
        "expected <document start>",
        "the config ended above, and this does not belong to it",
        "take away a line `...`, or write this as `key: value`",
    ),
    ("found undefined alias", "no anchor (`&`) of this alias's name stands before it", "a value that begins with `*` needs quotes"),
    (
        "mapping values are not allowed",
        "a `:` stands where YAML expects none",
        "a value that holds `: ` needs quotes; else look at the indentation",
    ),
    ("could not find expected ':'", "this line should be `key: value`, or belong to the one before", None),
    ("did not find expected key", "this line's indentation fits neither the lines above nor a key", None),
    ("but found '<block mapping start>'", "this line's indentation fits none of the lines above", None),
    ("did not find expected '-' indicator", "this line's indentation fits neither the list above nor a key", None),
    ("found unexpected end of stream", "a quote or bracket is opened and never closed", None),
    ("control characters are not allowed", "holds a control character", None),
    ("special characters are not allowed", "holds a control character", None),
)
_NO_BLANK_AFTER_COLON = re.compile(r"[\w.-]+:[^\s/]")
_TAB_BEFORE_TEXT = re.compile(r"[ -]*\t")


def unreadable(text: str, fault: yaml.YAMLError) -> UnreadableError:
    """`fault`, as the user should see it."""
    line, column = _place(text, fault)
    tab = None if line is None else _tab(text, line)
    if tab is not None:
        return UnreadableError("a tab stands where YAML wants blanks", hint="indent with blanks", line=tab[0], column=tab[1])
    said = " ".join(str(part) for part in _said(fault) if part)
    for part, message, hint in _WORDS:
        if part in said:
            return UnreadableError(message, hint=hint or _lacks_blank(text, fault), line=line, column=column)
    return UnreadableError(f"is not YAML: {said}", line=line, column=column)


def _said(fault: yaml.YAMLError) -> tuple[str | None, ...]:
    if isinstance(fault, yaml.MarkedYAMLError):
        return fault.problem, fault.context
    return (str(getattr(fault, "reason", fault)),)


def _place(text: str, fault: yaml.YAMLError) -> tuple[int | None, int | None]:
    if isinstance(fault, yaml.MarkedYAMLError):
        # a key without `: ` is noticed at the next line, and stands at the context's mark
        mark = fault.context_mark if _is_in_key(fault) else fault.problem_mark or fault.context_mark
        return (mark.line + 1, mark.column + 1) if mark else (None, None)
    if isinstance(fault, ReaderError) and isinstance(fault.position, int):
        # libyaml counts bytes, the pure reader characters: the first character that neither takes is what both mean
        before = text[: _first_refused(text)]
        return before.count("\n") + 1, len(before) - before.rfind("\n")
    return None, None


def _is_in_key(fault: yaml.YAMLError) -> bool:
    return isinstance(fault, yaml.MarkedYAMLError) and fault.context == "while scanning a simple key" and fault.context_mark is not None


def _lacks_blank(text: str, fault: yaml.YAMLError) -> str | None:
    line, column = _place(text, fault)
    if line is None or column is None or not _is_in_key(fault):
        return None
    return "a blank follows the `:`" if _NO_BLANK_AFTER_COLON.match(text.splitlines()[line - 1], column - 1) else None


_REFUSED = re.compile("[^\x09\x0a\x0d\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")


def _first_refused(text: str) -> int:
    found = _REFUSED.search(text)
    return found.start() if found else 0


def _tab(text: str, line: int) -> tuple[int, int] | None:
    """Where a tab stands in front of the text of the faulty line, or of the one before (parsers find it late)."""
    lines = text.splitlines()
    for number in (line, line - 1):
        found = _TAB_BEFORE_TEXT.match(lines[number - 1]) if 0 < number <= len(lines) else None
        if found:
            return number, found.end()
    return None
