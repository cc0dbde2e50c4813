"""Where sections and keys stand in an ini file. Asked only when there is something to say about one."""

from __future__ import annotations

import configparser
import re

from bodywork_compiler.config.faults import Fault, Place
from bodywork_compiler.config.ini_text import QUOTES

_HEADER = re.compile(r"\[(?P<name>.+)\]")
_OPTION = re.compile(r"(?P<key>[^\s=:#;][^=:]*?)\s*(?:[=:]\s*(?P<value>.*))?$")


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
