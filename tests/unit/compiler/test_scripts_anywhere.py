"""The start scripts run in images of others: Python 3.8, the standard library, and names that shadow nothing."""

import ast
import sys

import pytest
from script_runs import SCRIPTS

PYTHON_FILES = sorted(SCRIPTS.glob("*.py"))
FOR_NOTEBOOKS = {"nbclient", "nbformat"}


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: path.name)
def test_they_are_python_3_8(path):
    ast.parse(path.read_text(), feature_version=(3, 8))


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: path.name)
def test_they_need_nothing_but_the_standard_library(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add(node.module.split(".")[0])
    allowed = sys.stdlib_module_names | {"masking"} | (FOR_NOTEBOOKS if path.name == "notebook.py" else set())
    assert imported <= allowed


def test_they_shadow_no_module_of_a_stage():
    assert not {path.stem for path in PYTHON_FILES} & sys.stdlib_module_names
