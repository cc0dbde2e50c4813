"""What is wrong with a YAML file, where, and what to do. Imported only when there is an error."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.reader import ReaderError

from bodywork_compiler.config.faults import Fault, KeyPath, Place, shown
from bodywork_compiler.config.reading import UnreadableError
from bodywork_compiler.config.yaml_reader import MERGE, NO_CHARACTER, TEXT, Document, merge_sources

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


_MILLI = re.compile(r"([0-9]+)m")
_MEANT = {
    **dict.fromkeys(("y", "yes", "on", "t"), "write true"),
    **dict.fromkeys(("n", "no", "off", "f"), "write false"),
}
_UNIT = re.compile(r"([0-9.]+) ?[a-zA-Z]+")


def hint(wanted: str, got: object, *, written: str, is_plain: bool) -> str | None:
    """What to write for `written`, that YAML reads as `got`, where a value of the type `wanted` belongs."""
    find = _HINTS.get(wanted)
    return None if find is None else find(got, written, is_plain)


def _text(got: object, written: str, is_plain: bool) -> str | None:  # noqa: FBT001 - entry of a table, called by position
    if isinstance(got, str) or not is_plain or not written or getattr(got, "written", written) != written:
        return None
    remedy = f'put it in quotes: "{written}"'
    read_as = _read_as(got)
    return remedy if read_as == written else f"{remedy}; YAML reads {shown(written)} as {read_as}"


def _read_as(got: object) -> str:
    if isinstance(got, bool):
        return "true" if got else "false"
    if got is None:
        return "nothing"
    return shown(got)[1:-1] if isinstance(got, (int, float)) else str(getattr(got, "what", "a list"))


def _number(got: object, written: str, is_plain: bool) -> str | None:  # noqa: FBT001 - entry of a table
    if not isinstance(got, str):
        return None
    milli, unit = _MILLI.fullmatch(written), _UNIT.fullmatch(written)
    if milli:
        return f"write {int(milli[1][:9]) / 1000:g}"
    number = _as_number(written)
    if number is None:
        return f"write the number alone: {unit[1]}" if unit and _as_number(unit[1]) is not None else None
    return f"write {number}; YAML 1.1 reads {shown(written)} as text" if is_plain else "take the quotes away"


def _as_number(written: str) -> str | None:
    try:
        number = float(written)
    except ValueError:
        return None
    return f"{number:.0f}" if number.is_integer() and abs(number) < 1e15 else f"{number:f}".rstrip("0")  # noqa: PLR2004 - exact till there


def _boolean(got: object, written: str, is_plain: bool) -> str | None:  # noqa: FBT001 - entry of a table
    if not isinstance(got, str):
        return None
    if not is_plain and written.lower() in ("true", "false"):
        return "take the quotes away"
    return _MEANT.get(written.lower())


def _list(got: object, written: str, is_plain: bool) -> str | None:  # noqa: FBT001, ARG001 - entry of a table
    if got is None:
        return None
    return 'the path of a file needs version: "1.2"' if written.endswith(".txt") else "write it as a list: lines that begin with `- `"


def _mapping(got: object, written: str, is_plain: bool) -> str | None:  # noqa: FBT001, ARG001 - entry of a table
    return "its keys belong below it, indented" if got is None else None


_HINTS: dict[str, Callable[[object, str, bool], str | None]] = {
    "string": _text,
    "number": _number,
    "integer": _number,
    "boolean": _boolean,
    "array": _list,
    "object": _mapping,
}


# mappings whose keys are names that users choose; elsewhere a key that is no text is an unknown key, and said as such
_OF_NAMES = {"stages", "secrets", "env"}
_KINDS = {
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:bool": "true or false",
    "tag:yaml.org,2002:null": "nothing",
    "tag:yaml.org,2002:timestamp": "a date",
}


def faults(root: Node) -> Iterator[Fault]:
    seen: set[int] = set()
    waiting: list[tuple[KeyPath, Node]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, MappingNode):
            yield from _of_mapping(path, node)
            waiting += [((*path, key.value), value) for key, value in node.value if isinstance(key, ScalarNode)]
        elif isinstance(node, SequenceNode):
            waiting += [((*path, number), part) for number, part in enumerate(node.value)]


def _of_mapping(path: KeyPath, node: MappingNode) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if key.tag == MERGE or not isinstance(key, ScalarNode):
            continue
        place = Place(key.start_mark.line + 1, key.start_mark.column + 1)
        at = (*path, key.value)
        if key.value in first:
            message = f"{shown(key.value)} is given twice; this one counts, not the one in line {first[key.value]}"
            yield Fault(path=at, message=message, hint="take one away", severity="warning", place=place)
        first.setdefault(key.value, place.line or 0)
        if key.tag != TEXT and path and path[-1] in _OF_NAMES:
            message = f"a name must be text, and YAML reads {shown(key.value)} as {_KINDS.get(key.tag, 'something else')}"
            yield Fault(path=at, message=message, hint=f'put it in quotes: "{key.value}"', place=place)


_Entry = tuple[Node, Node]


class YamlPlaces:
    """Finds the line and column of a fault by walking the nodes along its path."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._entries: dict[int, dict[str, _Entry]] = {}

    def place(self, fault: Fault) -> Place:
        if fault.unknown is not None:
            return self.place(Fault(path=(*fault.path, fault.unknown), message="", at_key=True))
        key, value = self._entry(fault.path)
        if fault.span is not None and isinstance(value, ScalarNode):
            return self._inside(value, fault.span)
        # a mapping begins at its first key, a line below the key whose value it is
        at_key = fault.at_key or fault.lacking is not None or (isinstance(value, MappingNode) and not value.flow_style)
        node = key if at_key and key is not None else value
        return Place(node.start_mark.line + 1, node.start_mark.column + 1)

    def hint(self, fault: Fault) -> str | None:
        """The fault's own hint, or what its type and the way it is written suggest."""
        if fault.wanted is None or fault.hint is not None:
            return fault.hint
        _, value = self._entry(fault.path)
        if not isinstance(value, ScalarNode):
            return None
        return hint(fault.wanted, fault.got, written=value.value, is_plain=not value.style)

    def _entry(self, path: KeyPath) -> tuple[Node | None, Node]:
        """The nodes of the key and the value at `path`, as far as they are there."""
        key: Node | None = None
        node = self._document.root
        for step in path:
            if isinstance(node, SequenceNode) and isinstance(step, int):
                key = node = node.value[step]
            elif isinstance(node, MappingNode) and str(step) in self._of(node):
                key, node = self._of(node)[str(step)]
            else:
                break
        return key, node

    def _of(self, node: MappingNode) -> dict[str, _Entry]:
        at = id(node)
        if at not in self._entries:
            sources = [value for key, value in node.value if key.tag == MERGE]
            entries: dict[str, _Entry] = {}
            for mapping in reversed(merge_sources(sources)):
                entries.update(self._of(mapping))
            entries.update({key.value: (key, value) for key, value in node.value if isinstance(key, ScalarNode)})
            self._entries[at] = entries
        return self._entries[at]

    def _inside(self, node: ScalarNode, span: tuple[int, int]) -> Place:
        """The place of a part of a scalar's text; the scalar's own where escapes and folded lines hide it."""
        start = node.start_mark
        part = node.value[span[0] : span[1]]
        column = start.column + span[0] + (1 if node.style in ("'", '"') else 0)
        if self.lines[start.line][column : column + len(part)] == part:
            return Place(start.line + 1, column + 1, mark=len(part), excerpt=self.lines[start.line])
        return self._searched(node, part) or Place(start.line + 1, start.column + 1)

    def _searched(self, node: ScalarNode, part: str) -> Place | None:
        word = re.compile(rf"(?<![\w.-]){re.escape(part)}(?![\w.-])")
        for number in range(node.start_mark.line, min(node.end_mark.line + 1, len(self.lines))):
            found = word.search(self.lines[number])
            if found:
                return Place(number + 1, found.start() + 1, mark=len(part), excerpt=self.lines[number])
        return None

    @cached_property
    def lines(self) -> Sequence[str]:
        return self._document.text.splitlines()
