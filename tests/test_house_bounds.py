"""What we require: lower bounds only, and the constraints under which a CI job runs the tests are exactly these."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

CHECKOUT = Path(__file__).parent.parent


def parsed(line: str, separator: str) -> tuple[str, str]:
    name, _, version = line.partition(separator)
    return name, version


def required() -> dict[str, str]:
    metadata = configparser.ConfigParser()
    metadata.read(CHECKOUT / "setup.cfg")
    lines = metadata["options"]["install_requires"].split()
    assert all(re.fullmatch(r"[a-z0-9]+>=[0-9.]+", line) for line in lines)
    return dict(parsed(line, ">=") for line in lines)


def test_the_constraints_are_the_lower_bounds() -> None:
    lines = [line for line in (CHECKOUT / "tests" / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    lowest = dict(parsed(line, "==") for line in lines)
    assert lowest.keys() == required().keys()
    for name, version in required().items():
        assert f"{lowest[name]}.".startswith(f"{version}."), name


def test_each_bound_has_its_reason() -> None:
    text = (CHECKOUT / "setup.cfg").read_text()
    for name, version in required().items():
        assert re.search(rf"^#   {name}\s+{re.escape(version)}: \S", text, re.MULTILINE), name
