"""Fail when a cluster test was skipped, given pytest's JUnit file: with a cluster at hand, a skip hides what was not asked."""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET


def skipped_cluster_tests(results: Path) -> list[str]:
    cases = ET.parse(results).getroot().iter("testcase")  # noqa: S314  our own file, written a moment ago
    return [
        f"{case.get('classname')}::{case.get('name')}: {reason.get('message')}"
        for case in cases
        for reason in case.iter("skipped")
        if (case.get("classname") or "").startswith("tests.cluster")
    ]


if __name__ == "__main__":
    skipped = skipped_cluster_tests(Path(sys.argv[1]))
    if skipped:
        print("There is a cluster, but these cluster tests were skipped:", *skipped, sep="\n  ", file=sys.stderr)
        sys.exit(1)
