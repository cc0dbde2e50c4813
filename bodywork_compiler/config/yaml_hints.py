"""What to do about a scalar of the wrong type: most often YAML 1.1 read something else than was meant (`no`, `012`, `1e3`)."""

from __future__ import annotations

import re
from collections.abc import Callable

from bodywork_compiler.config.faults import shown

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
