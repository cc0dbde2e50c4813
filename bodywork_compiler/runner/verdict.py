"""Pure functions: an object, its pods and its events → a verdict. They ask nothing and know no clock but what they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["running", "good", "failed", "timed out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`message` is one line: while running, what is waited for; else why it ended so. `attempts` as far as they are known."""

    state: State
    message: str = ""
    attempts: int = 1
