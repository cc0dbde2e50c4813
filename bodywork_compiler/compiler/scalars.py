"""The one way in which a value enters a manifest: as a YAML scalar that PyYAML and kubectl both read back as it was.

Plain scalars are not safe (kubectl reads `y`, `1e3` and `0o17` as other things than strings) and JSON's strings are not YAML's for emoji
and control characters: https://github.com/yaml/pyyaml/issues/860. PyYAML's double-quoted style came back right in all that was tried.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

# printable ASCII but `"` and `\`: between double quotes these stand for themselves
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_ENDLESS = 2**31  # no line folding
_FOLDED_FROM = 1024  # longer strings are seldom said twice: not worth remembering


def yaml_scalar(value: Any) -> str:
    """A string double-quoted; whole numbers and booleans as YAML has them. Anything else (undefined, None, a list) is an error."""
    if type(value) is str:
        return _remembered(value) if len(value) < _FOLDED_FROM else _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _quoted(_only_text(value))


def yaml_text(text: str, indent: int) -> str:
    """A text of several lines as a literal block, indented so; as a scalar where a block would not hold it as it is."""
    lines = text.splitlines()
    if not text.endswith("\n") or text.endswith("\n\n") or not lines[0] or lines[0][0] == " " or not _is_printable(text):
        return yaml_scalar(text)
    margin = " " * indent
    return "|\n" + "\n".join(f"{margin}{line}" if line else "" for line in lines)


def without_expansion(value: str) -> str:
    """Kubernetes expands `$(NAME)` in args, command and env values; `$$` is its way to say `$`."""
    return value.replace("$", "$$") if "$" in value else value


def _only_text(value: Any) -> str:
    text = str(value)  # of an undefined variable: raises, with its name
    if not isinstance(value, str):
        raise TypeError(f"only text, whole numbers and true or false can be written, not {type(value).__name__}")
    return text


def _is_printable(text: str) -> bool:
    return all(_PLAIN.fullmatch(line.replace('"', "").replace("\\", "")) is not None for line in text.split("\n"))


def _quoted(value: str) -> str:
    if _PLAIN.fullmatch(value) is not None:
        return f'"{value}"'
    return quoted_by_pyyaml(value)


_remembered = lru_cache(maxsize=8192)(_quoted)


def quoted_by_pyyaml(value: str) -> str:
    """The slow way, for strings that hold more than plain characters; the fast one gives the same for those that do not."""
    import yaml

    return yaml.dump(value, Dumper=yaml.SafeDumper, default_style='"', width=_ENDLESS, allow_unicode=False).rstrip("\n")
