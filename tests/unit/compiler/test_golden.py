"""The manifests of the examples, and of projects that use everything, are those that were looked at and committed."""

import pytest
from golden_cases import GOLDEN, cases, texts

CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_manifests_are_the_golden_ones(name):
    folder = GOLDEN / name
    golden = {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    assert texts(name, CASES[name]()) == golden, "if that is meant: python tests/golden_cases.py, and look at the difference"


def test_every_golden_folder_is_a_case():
    assert {path.name for path in GOLDEN.iterdir()} == set(CASES)
