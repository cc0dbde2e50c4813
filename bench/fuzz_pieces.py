"""What hostile cases are made of: the words that parsers stumble over, and ways to change a text or data with them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent

# what parsers stumble over
PIECES = (
    *("", " ", "\n", "\t", "\r", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ufeff", "\ud800", "é", "😀", "٣", "²"),
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "<<: *a\n",
        "!!binary x",
        "!!set {a}",
        "!!python/object:x ",
        "!<tag> ",
        "%YAML 9\n",
        "---\n",
    ),
    *(
        "null",
        "~",
        "true",
        "yes",
        "NaN",
        ".inf",
        "-.inf",
        "1e999",
        "0x1F",
        "0o17",
        "1_000",
        "-1",
        "9" * 5_000,
        "9" * 20,
        "2001-02-30",
        "2001-02-03T99:00:00Z",
    ),
    *(
        "[" * 2_000,
        "{a: " * 500,
        "a" * 100_000,
        '"',
        "'",
        "|\n",
        ">-\n",
        "#",
        "$",
        "${X}",
        "%(x)s",
        "{{ x }}",
        "{% for",
        "\\",
        "../",
        "/",
        "@",
        "://",
        "--all",
    ),
    *("=", ",", ";", ">>", "* * * * *", "@every ", "μs", "TZ=", "[section]\n", "key = value\n"),
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    10**30,
    1.5,
    1e308,
    "",
    "x",
    "9" * 5_000,
    "\x1b",
    [],
    {},
    [[]],
    {"a": {}},
    [None],
    ["x"] * 50,
    "\ud800",
)


def corpus(*patterns: str) -> list[str]:
    """The files of examples, golden manifests and old projects."""
    found = [file.read_text(encoding="utf-8") for pattern in patterns for file in sorted(ROOT.glob(pattern)) if file.is_file()]
    return found or [""]


def mutated(rng: random.Random, texts: list[str]) -> str:
    """One of the texts, or two, cut, doubled and sown with pieces."""
    text = rng.choice(texts)
    if rng.random() < 0.2:
        other = rng.choice(texts)
        text = text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :]
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 8))):
        begin = rng.randrange(len(text) + 1)
        end = min(len(text), begin + rng.choice((0, 0, 1, 2, 5, 20, 200)))
        text = text[:begin] + rng.choice((rng.choice(PIECES), text[begin:end] * rng.randrange(4))) + text[end:]
    return text


def reshaped(rng: random.Random, value: Any) -> Any:
    """The same data, with some of its parts in other types, gone, or doubled."""
    if rng.random() < 0.03:
        return rng.choice(VALUES)
    if isinstance(value, dict):
        kept = {key: reshaped(rng, each) for key, each in value.items() if rng.random() > 0.02}
        return {**kept, rng.choice(PIECES): rng.choice(VALUES)} if rng.random() < 0.03 else kept
    if isinstance(value, list):
        return [reshaped(rng, each) for each in value] * (2 if rng.random() < 0.02 else 1)
    return value
