"""What programs read, as JSON and YAML, in characters that neither a terminal nor a CI job obeys, so that no writer has to change any."""

from __future__ import annotations

import json
from typing import Any


def as_json(data: object, indent: int | None = 2, **options: Any) -> str:
    """ASCII, and never `##[`, which runners of CI jobs obey anywhere in a line."""
    return without_double_hash(json.dumps(data, indent=indent, **options), "\\u0023")


def as_yaml(data: object) -> str:
    """As it is typed; where a string has something to be careful with, all are quoted and in ASCII."""
    import yaml

    from bodywork_compiler.printable import printable, without_runner_commands

    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    if all(without_runner_commands(printable(line)) == line for line in text.split("\n")):
        return text
    quoted = yaml.safe_dump(data, sort_keys=False, default_style='"', width=2**31)
    return without_double_hash(quoted, "\\x23")


def without_double_hash(text: str, escaped: str) -> str:
    """In JSON, and in YAML that is quoted, a hash is only ever inside a string."""
    return text.replace("##", f"#{escaped}") if "##" in text else text
