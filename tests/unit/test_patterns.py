"""No regular expression of ours takes more time than in proportion to its text: else one long line of a log, a Secret or a file holds up a run, and
no limit of time acts meanwhile. Each is tried on long texts that are made of parts of what it matches."""

from __future__ import annotations

import ast
import importlib
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import bodywork_compiler

# only Python itself can say what a pattern is made of
sre: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
PACKAGE = Path(bodywork_compiler.__file__).parent
METHODS = ("match", "fullmatch", "search", "findall", "finditer", "sub", "split")
WITHOUT_PATTERNS = ("__main__.py", "starting/starters", "notebook.py")
LENGTH, TIMES_LONGER, MOST_GROWTH = 2_000, 8, 24  # 8 times as long is linear, 64 times quadratic
SURELY_LINEAR_SECONDS, ENDLESS_SECONDS, TICK = 0.02, 0.5, 0.004  # of the processor, whose clock may be a coarse one
MOST_TEXTS = 40  # of one pattern
END = "\n\0"  # which next to nothing matches


def patterns() -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """Where each is, and how it is applied."""
    for file in sorted(PACKAGE.rglob("*.py")):
        where = file.relative_to(PACKAGE).as_posix()
        if where.endswith(WITHOUT_PATTERNS) or where.startswith(WITHOUT_PATTERNS):
            continue
        text = file.read_text()
        for name, found in _compiled(where):
            used = re.findall(rf"\b{name}\.({'|'.join(METHODS)})\b", text)
            used = used or re.findall(r"\b(?!re\b)[a-z_]+\.(match|fullmatch|search|findall)\b", text) or ["search"]
            yield from {(f"{where}: {name}.{method}", pattern, method) for pattern in found for method in used}
        for call in (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)):
            module, _, method = ast.unparse(call.func).partition(".")
            if module == "re" and method in METHODS and isinstance(call.args[0], ast.Constant):
                yield f"{where}:{call.lineno}", re.compile(call.args[0].value), method


def _compiled(where: str) -> Iterator[tuple[str, list[re.Pattern[Any]]]]:
    is_script = where.startswith("compiler/scripts/")
    if is_script and str(PACKAGE / "compiler" / "scripts") not in sys.path:
        sys.path.append(str(PACKAGE / "compiler" / "scripts"))
    name = Path(where).stem if is_script else "bodywork_compiler." + where[:-3].replace("/", ".").removesuffix(".__init__")
    for attribute, held in vars(importlib.import_module(name)).items():
        if found := list(_within(held)):
            yield attribute, found


def _within(held: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(held, re.Pattern):
        yield held
    elif isinstance(held, (tuple, list)):
        for each in held:
            yield from _within(each)
    elif isinstance(held, dict):
        yield from _within(list(held.items()))


def matched(parsed: Sequence[Any]) -> list[str]:
    """Texts that a pattern matches, or nearly: each of its choices is made in one of them."""
    texts = [""]
    for operation, argument in parsed:
        parts = _matched_by(str(operation), argument)
        texts = [text + parts[0] for text in texts] + [texts[0] + part for part in parts[1:]]
    return list(dict.fromkeys(texts))


def _matched_by(operation: str, argument: Any) -> list[str]:
    if operation == "LITERAL":
        return [chr(argument)]
    if operation == "IN":
        return [_one_of(*each) for each in argument if str(each[0]) != "NEGATE"]
    if operation == "SUBPATTERN":
        return matched(argument[-1])
    if operation == "BRANCH":
        return [text for branch in argument[1] for text in matched(branch)]
    if "REPEAT" in operation:
        return matched(argument[2])
    return ["a"] if operation in ("ANY", "NOT_LITERAL") else [""]


def _one_of(operation: Any, argument: Any) -> str:
    if str(operation) == "CATEGORY":
        return {"CATEGORY_SPACE": " ", "CATEGORY_DIGIT": "0"}.get(str(argument), "a")
    return chr(argument if str(operation) == "LITERAL" else argument[0])


def hostile(pattern: re.Pattern[Any]) -> list[tuple[str, str]]:
    """A beginning, and what comes again and again behind it; nothing for a pattern in which nothing is repeated without an end."""
    if not re.search(rb"[*+]|,}" if isinstance(pattern.pattern, bytes) else r"[*+]|,}", pattern.pattern):
        return []
    samples = matched(
        sre.parse(pattern.pattern, pattern.flags & ~re.UNICODE & ~re.LOCALE if isinstance(pattern.pattern, bytes) else pattern.flags)
    )
    found = {("", word): None for word in ("a", "0", " ", "-", ".", "a ", "a.", "-.")}
    for sample in samples[:8]:
        edges = [at for at in range(len(sample)) if at == 0 or not (sample[at - 1].isalpha() and sample[at].isalpha())]
        found.update({(sample[:at], sample[at : at + length]): None for at in edges for length in (1, 2)})
        found.update({("", sample[:end]): None for end in (*edges[1:], len(sample))})
    return [each for each in found if each[1]][:MOST_TEXTS]


def is_slow(pattern: re.Pattern[Any], method: str, text: Callable[[int], Any]) -> bool:
    if _seconds(pattern, method, text(48)) >= ENDLESS_SECONDS:
        return True
    long = text(LENGTH * TIMES_LONGER)
    if _seconds(pattern, method, long) < SURELY_LINEAR_SECONDS:
        return False
    short = max(_seconds(pattern, method, text(LENGTH)), TICK)
    return min(_seconds(pattern, method, long) for _ in range(2)) > short * MOST_GROWTH


def _seconds(pattern: re.Pattern[Any], method: str, text: Any) -> float:
    applied = getattr(pattern, method)
    began = time.process_time()
    try:
        with _interrupted():
            if method == "sub":
                applied(text[:0], text)
            elif method == "finditer":
                sum(1 for _ in applied(text))
            else:
                applied(text)
    except TimeoutError:
        return ENDLESS_SECONDS * TIMES_LONGER**2
    return time.process_time() - began


@contextmanager
def _interrupted() -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    was = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, ENDLESS_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, was)


def _made(pattern: re.Pattern[Any], begin: str, word: str) -> Callable[[int], Any]:
    def text(length: int) -> Any:
        made = begin + word * (length // len(word)) + END
        return made.encode("latin-1", "replace") if isinstance(pattern.pattern, bytes) else made

    return text


def slow_texts(pattern: re.Pattern[Any], method: str) -> list[tuple[str, str]]:
    return [each for each in hostile(pattern) if is_slow(pattern, method, _made(pattern, *each))]


@pytest.mark.slow
def test_time_grows_with_the_text_and_not_faster() -> None:
    slow = {where: texts[:3] for where, pattern, method in patterns() if (texts := slow_texts(pattern, method))}

    assert slow == {}


@pytest.mark.parametrize(
    "pattern", [r"[a-z]+://", r"\s+#", r"(?:[=!]\s*[\w!]+)*x", r"\x1b[\]P].*?(?:\x07|$)", r"[a-z][a-z0-9+.-]*://([^/@]*)@"]
)
def test_what_is_slow_is_found(pattern: str) -> None:
    compiled = re.compile(pattern)

    assert slow_texts(compiled, "search")
