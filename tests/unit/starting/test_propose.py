"""What is proposed for the scripts of a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import write

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.starting.propose import as_text, find_scripts, propose

RUN = "if __name__ == '__main__':\n    print('done')\n"
FLASK = "from flask import Flask\napp = Flask(__name__)\napp.run(host='0.0.0.0', port=8080)\n"


def proposed(folder: Path, scripts: dict[str, str]) -> dict[str, Any]:
    for path, text in scripts.items():
        write(folder / path, text)
    found = propose(folder, "iris")
    assert found is not None
    config: dict[str, Any] = yaml.safe_load(as_text(found.config))
    return config


def dag(config: dict[str, Any]) -> str:
    return str(config["pipeline"]["DAG"])


def test_a_script_becomes_a_batch_stage_and_one_that_serves_a_service(tmp_path: Path) -> None:
    config = proposed(tmp_path, {"train.py": RUN, "app.py": FLASK})
    assert dag(config) == "train >> app"
    assert "batch" in config["stages"]["train"]
    assert config["stages"]["app"]["service"]["port"] == 8080


def test_the_order_is_that_of_numbers_else_of_what_names_say(tmp_path: Path) -> None:
    assert (
        dag(proposed(tmp_path / "a", {"10_score.py": RUN, "2_train.py": RUN, "1_prepare.py": RUN}))
        == "stage-1-prepare >> stage-2-train >> stage-10-score"
    )
    assert dag(proposed(tmp_path / "b", {"evaluate.py": RUN, "train.py": RUN, "prepare.py": RUN})) == "prepare >> train >> evaluate"


def test_modules_that_are_only_imported_tests_and_packaging_are_no_stages(tmp_path: Path) -> None:
    quiet = "def help_others():\n    return 1\n"
    others = {"helpers.py": quiet, "setup.py": RUN, "test_train.py": RUN, "tests/run.py": RUN, ".venv/lib/x.py": RUN, "conftest.py": RUN}
    assert list(proposed(tmp_path, {"train.py": f"import helpers\n{RUN}", **others})["stages"]) == ["train"]


def test_requirements_are_what_is_imported_of_others_through_own_modules_too(tmp_path: Path) -> None:
    scripts = {"train.py": f"import csv\nimport storage\nimport sklearn.tree\n{RUN}", "storage.py": "import yaml\n"}
    requirements = proposed(tmp_path, scripts)["stages"]["train"]["requirements"]
    names = [each.partition("==")[0] for each in requirements]
    assert names == ["scikit-learn", "PyYAML"]
    assert requirements[1].startswith("PyYAML=="), "as it is installed here"


def test_a_requirements_file_is_taken_as_it_is(tmp_path: Path) -> None:
    config = proposed(tmp_path, {"train.py": f"import numpy\n{RUN}", "requirements.txt": "numpy==2.4.6\n"})
    assert config["version"] == "1.2"
    assert config["stages"]["train"]["requirements"] == "requirements.txt"


def test_notebooks_are_stages(tmp_path: Path) -> None:
    cells = [{"cell_type": "markdown", "source": ["# Hello"]}, {"cell_type": "code", "source": ["%matplotlib inline\n", "import csv\n"]}]
    assert list(proposed(tmp_path, {"look.ipynb": json.dumps({"cells": cells})})["stages"]) == ["look"]


def test_cells_of_a_notebook_that_are_no_python_hide_nothing_of_the_others(tmp_path: Path) -> None:
    cells = [{"cell_type": "code", "source": text} for text in ("%%bash\ncd /tmp\n", "?print", "import nobody_has_this")]
    stage = proposed(tmp_path, {"look.ipynb": json.dumps({"cells": cells})})["stages"]["look"]
    assert stage["requirements"] == ["nobody_has_this"]


def test_stages_are_told_apart_whatever_their_names_become(tmp_path: Path) -> None:
    long = "a" * 60
    assert len(proposed(tmp_path, {"1.py": RUN, "stage_1.py": RUN, f"{long}_x.py": RUN, f"{long}_y.py": RUN})["stages"]) == 4


def test_a_module_of_a_package_cannot_be_run_by_itself(tmp_path: Path) -> None:
    scripts = {"train.py": RUN, "package/model.py": f"from .data import rows\n{RUN}", "package/data.py": "rows = ()\n"}
    assert list(proposed(tmp_path, scripts)["stages"]) == ["train"]


def test_two_scripts_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    config = proposed(tmp_path, {"a/main.py": RUN, "b/main.py": RUN})
    assert list(config["stages"]) == ["main", "b-main"]


@pytest.mark.parametrize("text", ["print('broken'", "\x00", ""])
def test_a_folder_of_files_that_are_no_scripts_gets_no_sample_among_them(text: str, tmp_path: Path) -> None:
    write(tmp_path / "odd.py", text)
    with pytest.raises(BodyworkError, match="none that is run by itself"):
        propose(tmp_path, "iris")


def test_a_folder_without_python_files_gets_no_proposal(tmp_path: Path) -> None:
    write(tmp_path / "README.md", "# Iris\n")
    assert propose(tmp_path, "iris") is None


def test_what_python_itself_could_not_hold_is_no_stage(tmp_path: Path) -> None:
    deep = f"x = {'(' * 5000}1{')' * 5000}\nprint(x)\n"
    long = f"x = {'-' * 200_000}1\nprint(x)\n"
    assert list(proposed(tmp_path, {"train.py": RUN, "deep.py": deep, "long.py": long})["stages"]) == ["train"]


def test_a_script_may_have_another_encoding_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes("# coding: latin-1\nprint('été')\n".encode("latin-1"))
    assert list(proposed(tmp_path, {})["stages"]) == ["train"]


def test_a_script_that_python_would_warn_about_is_one_without_a_word(tmp_path: Path) -> None:
    assert list(proposed(tmp_path, {"train.py": f"import re\nre.compile('\\d')\n{RUN}"})["stages"]) == ["train"]


def test_names_that_a_config_cannot_hold_are_no_stages_and_others_get_one_that_it_can(tmp_path: Path) -> None:
    assert list(proposed(tmp_path, {"train.py": RUN, "new\nline.py": RUN, "日本.py": RUN})["stages"]) == ["train", "stage"]


def test_scripts_with_faults_are_named(tmp_path: Path) -> None:
    write(tmp_path / "train.py", RUN)
    write(tmp_path / "old" / "python2.py", "print 'done'\n")
    found = propose(tmp_path, "iris")
    assert found is not None
    assert found.unread == ("old/python2.py",)


def test_requirements_come_from_the_nearest_file(tmp_path: Path) -> None:
    write(tmp_path / "requirements.txt", "numpy\n")
    write(tmp_path / "serve" / "requirements.txt", "flask\n")
    stages = proposed(tmp_path, {"train.py": RUN, "serve/app.py": FLASK})["stages"]
    assert stages["train"]["requirements"] == "requirements.txt"
    assert stages["app"]["requirements"] == "serve/requirements.txt"


def test_nothing_of_a_script_is_executed(tmp_path: Path) -> None:
    write(tmp_path / "danger.py", f"open({str(tmp_path / 'touched')!r}, 'w')\n")
    assert [script.path for script in find_scripts(tmp_path).scripts] == ["danger.py"]
    assert not (tmp_path / "touched").exists()
