"""The second container's script: requirements come to the shared volume, where the stage's Python finds them."""

import json
import sys
import zipfile
from pathlib import Path

import pytest
from script_runs import PYTHON

WHEEL = {
    "petals.py": "length = 4",
    "petals-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: petals\nVersion: 1.0\n",
    "petals-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "petals-1.0.dist-info/entry_points.txt": "[console_scripts]\npetals = petals:main\n",
    "petals-1.0.dist-info/RECORD": "petals.py,,\n",
}
OLD_PIP = "script.pip_version = lambda pip: (20, 1)"


@pytest.fixture
def offline(tmp_path):
    """pip's own variables, as a stage's env may hold them: only what is in this folder can be installed."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "petals-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in WHEEL.items():
            wheel.writestr(name, text)
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}


@pytest.mark.parametrize("settings", ["", OLD_PIP], ids=["pip 22.3 and newer", "older pip"])
def test_the_stage_finds_what_was_installed(workspace, offline, settings):
    workspace.has("main.py", "import petals, shutil; print(petals.length, shutil.which('petals'))")
    installed = workspace.run("install", "petals==1.0", settings=settings, **offline)
    assert installed.code == 0, installed.stderr
    length, command = workspace.run("run", "main.py").stdout.split()
    assert length == "4"
    assert Path(command).is_relative_to(workspace.path)


def test_a_requirements_file_is_found_in_the_projects_folder(workspace, offline):
    workspace.has("iris/train/requirements.txt", "petals\n")
    workspace.has("iris/train/main.py", "import petals")
    assert workspace.run("install", "--requirement", "train/requirements.txt", BODYWORK_FOLDER="iris", **offline).code == 0
    assert workspace.run("run", "train/main.py", BODYWORK_FOLDER="iris").code == 0


def test_the_images_own_packages_are_seen_too(workspace, offline):
    own = "pytest" if sys.executable == PYTHON else "pip"
    workspace.has("main.py", f"import {own}, petals")
    assert workspace.run("install", "petals", **offline).code == 0
    ended = workspace.run("run", "main.py")
    assert ended.code == 0, ended.stderr


def test_what_cannot_be_installed_is_pips_to_say_and_the_last_line_ours(workspace, offline):
    workspace.has("main.py")
    ended = workspace.run("install", "petals==99", **offline)
    assert ended.code == 1
    assert "No matching distribution found for petals==99" in ended.stderr
    assert ended.last_line == "bodywork: pip could not install the requirements (exit code 1)"


def test_an_image_without_pip_is_said_to_be_one(workspace, offline):
    workspace.has("main.py")
    ended = workspace.run(
        "install", "petals", settings="import os; os.environ['PYTHONPATH'] = os.environ['NO_PIP']", NO_PIP=no_pip(workspace)
    )
    assert ended.code == 1
    assert ended.last_line.startswith("bodywork: this image's Python has no pip")


def no_pip(workspace):
    (workspace.path / "hidden" / "pip").mkdir(parents=True)
    (workspace.path / "hidden" / "pip" / "__init__.py").write_text("")
    (workspace.path / "hidden" / "pip" / "__main__.py").write_text("raise SystemExit('No module named pip')")
    return str(workspace.path / "hidden")


def test_what_a_notebook_needs_is_installed_only_where_it_is_missing(workspace, offline):
    workspace.has("look.ipynb")
    assert workspace.run("install", BODYWORK_INSTALL_IF_MISSING="json petals", **offline).code == 0
    assert list((workspace.path / "venv").glob("lib/python*/site-packages/petals.py"))


def test_nothing_is_made_where_nothing_is_missing(workspace, offline):
    workspace.has("look.ipynb")
    ended = workspace.run("install", BODYWORK_INSTALL_IF_MISSING="json", **offline)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")
    assert not (workspace.path / "venv").exists()


def test_a_requirement_may_bring_what_a_notebook_needs(workspace, offline):
    workspace.has("look.ipynb")
    ended = workspace.run("install", "petals", BODYWORK_INSTALL_IF_MISSING="petals", **offline)
    assert ended.code == 0
    assert ended.stdout.count("Successfully installed") == 1


def test_a_second_start_on_the_same_volume_begins_anew(workspace, offline):
    workspace.has("main.py", "import petals")
    left_over = workspace.path / "venv" / "broken"
    left_over.parent.mkdir()
    left_over.write_text("")
    assert workspace.run("install", "petals", **offline).code == 0
    assert not left_over.exists()


def test_the_stages_own_word_about_pip_wins(workspace, offline):
    workspace.has("main.py", "")
    show = (
        "import json; call = script.subprocess.call\n"
        "script.subprocess.call = lambda argv, **given: print(json.dumps(given['env'])) or 0 if 'install' in argv else call(argv, **given)"
    )
    ended = workspace.run("install", "petals", settings=show, PIP_NO_CACHE_DIR="0", **offline)
    assert json.loads(ended.stdout.splitlines()[-1])["PIP_NO_CACHE_DIR"] == "0"


def test_what_pip_and_others_print_of_secrets_is_masked(workspace, offline):
    """pip hides the password of an index, but not what a requirement or a build says."""
    workspace.has("requirements.txt", "hunter2-thing==1.0\n")
    secret = {"BODYWORK_SECRET_VARIABLES": "PIP_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL": "https://user:hunter2@127.0.0.1:9/simple"}
    ended = workspace.run("install", "--requirement", "requirements.txt", **offline, **secret)
    assert ended.code == 1
    assert "***-thing" in ended.stdout
    assert "hunter2" not in ended.stdout + ended.stderr
    assert ended.last_line == "bodywork: pip could not install the requirements (exit code 1)"
