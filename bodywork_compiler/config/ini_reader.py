"""Text of an ini file → its sections, read as Bodywork v1's parser reads it, and the line of each section and key."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from bodywork_compiler.config.faults import Fault, Place, shown
from bodywork_compiler.config.reading import UnreadableError

Sections = dict[str, dict[str, str]]
QUOTES = ('"', "'")
_NUMBERS: dict[str, Callable[[str], float]] = {"integer": int, "number": float}
MOST_REPLACED = 100_000  # characters that `${…}` may make in one file


class _Bounded(list[str]):
    """The parts of a value that is being put together, counted with all that were put together in this file before."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length

    def append(self, part: str) -> None:
        self.length += len(part) + 1
        if self.length > MOST_REPLACED:
            raise ValueError("its `${…}` make too much text")
        super().append(part)


class _Unquoting(configparser.ExtendedInterpolation):
    """`${…}` as the ancestor has it. Quotes go before it is replaced, so that `"${name}:1.0"` may be built of quoted parts."""

    _replaced = 0

    def before_read(self, parser: Any, section: str, option: str, value: str) -> str:  # noqa: ARG002 - configparser's interface
        is_quoted = len(value) > 1 and value[0] in QUOTES and value[-1] == value[0]
        return value[1:-1] if is_quoted else value

    def before_get(self, parser: Any, section: str, option: str, value: str, defaults: Any) -> str:
        if "$" not in value:
            return value
        parts = _Bounded(self._replaced)
        try:
            self._interpolate_some(parser, option, parts, value, section, defaults, 1)  # type: ignore[attr-defined]
        finally:
            self._replaced = parts.length
        return "".join(parts)


def parse(text: str) -> tuple[Sections, list[Fault]]:
    """The values by section and key, the key in upper case; faults of single values, which are left out."""
    parser = configparser.ConfigParser(interpolation=_Unquoting())
    try:
        parser.read_string(text)
    except configparser.Error as fault:
        raise _unreadable(text, fault) from fault
    sections: Sections = {}
    faults: list[Fault] = []
    for name in parser.sections():
        values = sections[name] = {}
        for key in parser[name]:
            value = _value(parser[name], key)
            if isinstance(value, str):
                values[key.upper()] = value
            else:
                faults.append(_not_replaced(name, key.upper(), value))
    return sections, faults


def _value(section: configparser.SectionProxy, key: str) -> str | Exception:
    try:
        return section[key]
    except (configparser.InterpolationError, ValueError) as fault:
        return fault


def _not_replaced(section: str, key: str, fault: Exception) -> Fault:
    message, hint = str(fault), None
    if isinstance(fault, configparser.InterpolationMissingOptionError):
        message, hint = (
            f"{shown('${' + str(fault.reference) + '}')} names no key",
            "`${KEY}` is a key of this section, `${SECTION:KEY}` of another",
        )
    elif isinstance(fault, configparser.InterpolationDepthError):
        message = "its `${…}` go round in a circle"
    elif isinstance(fault, configparser.InterpolationSyntaxError):
        message, hint = "a `$` has a meaning in this file: it begins `${KEY}`", "write `$$` for a plain `$`"
    return Fault(path=(section, key), message=message, hint=hint)


def _unreadable(text: str, fault: configparser.Error) -> UnreadableError:
    if isinstance(fault, configparser.MissingSectionHeaderError):
        return UnreadableError("a section (`[default]`) must come before the first key", line=fault.lineno, column=1)
    if isinstance(fault, configparser.DuplicateOptionError):
        message = f"{shown(fault.option.upper())} is given twice in [{fault.section}]"
        return UnreadableError(message, hint="take one away", line=fault.lineno, column=1)
    if isinstance(fault, configparser.DuplicateSectionError):
        message = f"the section [{fault.section}] is given twice"
        return UnreadableError(message, hint="make one of the two", line=fault.lineno, column=1)
    lines = [int(number) for number, _ in getattr(fault, "errors", ())]
    others = [UnreadableError("is no `KEY=VALUE`", line=number, column=_indent(text, number)) for number in lines]
    if not others:
        return UnreadableError(f"is no ini file: {str(fault).splitlines()[0]}")
    others[0].also = others[1:]
    return others[0]


def _indent(text: str, line: int) -> int:
    found = text.split("\n")[line - 1]
    return len(found) - len(found.lstrip()) + 1


def typed(sections: Sections, schema: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The values, numbers as numbers where the schema wants some; what is no number stays text, for the schema to refuse."""
    wanted = schema["properties"]
    return {
        name: {key: _typed(value, wanted.get(name, {}).get("properties", {}).get(key, {}).get("type")) for key, value in section.items()}
        for name, section in sections.items()
    }


def _typed(value: str, wanted: str | None) -> Any:
    if wanted not in _NUMBERS:
        return value
    try:
        number = _NUMBERS[wanted](value)
    except ValueError:
        return value
    return number if isfinite(number) else value


def softened(faults: Iterable[Fault], before: Sequence[Fault]) -> list[Fault]:
    """Faults as an ini file takes them: unknown keys are warnings; a key is not missing whose value could not be read `before`."""
    known = {fault.path for fault in before}
    return [
        replace(fault, message=f"{fault.message} (ignored)", severity="warning") if fault.unknown else fault
        for fault in faults
        if fault.lacking is None or (*fault.path, fault.lacking) not in known
    ]


_HEADER = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<key>[^\s=:#;](?:[^=:]*[^\s=:])?)\s*(?:[=:]\s*(?P<value>.*))?$")


class IniPlaces:
    """The line of each section and key. Only the first line of a value is known: that is where its fault is pointed to."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._sections: dict[str, int] = {}
        self._options: dict[tuple[str, str], tuple[int, re.Match[str]]] = {}
        section = ""
        for number, line in enumerate(self._lines):
            header, option = _HEADER.match(line.strip()), _OPTION.match(line)
            if header:
                section = header["name"]
                self._sections.setdefault(section, number)
            elif option:
                self._options.setdefault((section, option["key"].upper()), (number, option))

    def place(self, fault: Fault) -> Place:
        path = fault.path if fault.unknown is None else (*fault.path, fault.unknown)
        if len(path) > 1:
            section, key = str(path[0]), str(path[1])
            found = self._options.get((section, key)) or self._options.get((configparser.DEFAULTSECT, key))
            if found:
                return self._option(fault, *found)
        line = self._sections.get(str(path[0])) if path else None
        return Place() if line is None else Place(line + 1, 1)

    def _option(self, fault: Fault, number: int, option: re.Match[str]) -> Place:
        at_key = fault.at_key or fault.unknown is not None or not option["value"]
        column = option.start("key" if at_key else "value")
        if fault.span is None:
            return Place(number + 1, column + 1)
        quoted = option["value"][:1] in QUOTES
        start, length = column + fault.span[0] + quoted, fault.span[1] - fault.span[0]
        return Place(number + 1, start + 1, mark=length, excerpt=self._lines[number].rstrip("\r"))

    def hint(self, fault: Fault) -> str | None:
        if fault.hint is None and fault.wanted in ("integer", "number") and re.search(r"\s[;#]", str(fault.got)):
            return "a comment needs a line of its own"
        return fault.hint
