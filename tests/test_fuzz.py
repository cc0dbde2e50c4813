"""A short round of `make fuzz`: the same cases each time, and new ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent.parent / "bench" / "fuzz.py"


@pytest.mark.parametrize("seed", [["--seed", "1"], []], ids=["fixed", "new"])
def test_hostile_input_gets_an_answer(seed: list[str], tmp_path: Path) -> None:
    words = [sys.executable, str(FUZZ), "--cases", "800", "--found", str(tmp_path), *seed]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    found = [f"{file.name}: {file.read_text()[-300:]}" for file in tmp_path.iterdir()]
    assert done.returncode == 0, (done.stdout, done.stderr, found[:3])
    assert re.match("800 cases from seed [0-9]+: 0 batches with findings", done.stdout)
