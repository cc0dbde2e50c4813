"""The second container's script: requirements come to the shared volume, where the stage's Python finds them."""

import importlib.util
import os
import re
import sys
import zipfile
from pathlib import Path

import pytest
from script_runs import PYTHON, SCRIPTS

specification = importlib.util.spec_from_file_location("install", SCRIPTS / "install.py")
script = importlib.util.module_from_spec(specification)
specification.loader.exec_module(script)

EXIT_NEVER = 65
OLD_PIP = "script.pip_version = lambda pip: (20, 1)"


def a_package(name, version, requires=None):
    """The files of an installed package, and of its wheel."""
    info = f"{name}-{version}.dist-info"
    return {
        f"{name}.py": "length = 4",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
        f"{info}/RECORD": "".join(
            f"{file},,\n" for file in (f"{name}.py", f"{info}/METADATA", f"{info}/WHEEL", f"{info}/entry_points.txt", f"{info}/RECORD")
        ),
    }


def a_wheel(folder, name, version, requires=None):
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in a_package(name, version, requires).items():
            wheel.writestr(file, text)


@pytest.fixture
def offline(tmp_path):
    """pip's own variables, as a stage's env may hold them: only what is in this folder can be installed."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    a_wheel(folder, "petals", "1.0")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": "/dev/null"}


@pytest.fixture
def image_with(tmp_path):
    """A folder of packages that is on the path of the image's Python."""

    def image(name, version):
        folder = tmp_path / "image" / "site-packages"
        for file, text in a_package(name, version).items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text)
        return folder

    return image


@pytest.mark.parametrize("settings", ["", OLD_PIP], ids=["pip 22.3 and newer", "older pip"])
def test_the_stage_finds_what_was_installed(workspace, offline, settings):
    workspace.has("main.py", "import petals, shutil; print(petals.length, shutil.which('petals'))")
    installed = workspace.run("install", "petals==1.0", settings=settings, **offline)
    assert installed.code == 0, installed.stderr
    length, command = workspace.run("run", "main.py").stdout.split()
    assert length == "4"
    assert Path(command).is_relative_to(workspace.path)


def test_files_of_the_project_do_not_take_the_installers_place(workspace, offline):
    for name in ("pip", "venv", "runpy"):
        workspace.has(f"{name}.py", "raise SystemExit('the project was run')")
    workspace.has("requirements.txt", "-r more.txt\n")
    workspace.has("more.txt", "petals\n")
    workspace.has("main.py", "import petals")
    installed = workspace.run("install", "--requirement", "requirements.txt", BODYWORK_INSTALLER="pip", **offline)
    assert installed.code == 0, installed.stderr
    assert workspace.run("run", "main.py").code == 0


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


@pytest.mark.parametrize("program", ["pip", "uv"])
def test_what_can_never_be_installed_has_an_exit_code_for_it(workspace, offline, program):
    workspace.has("main.py")
    ended = workspace.run("install", "petals==99", BODYWORK_INSTALLER=program, PATH=path_with_uv(), **offline)
    assert ended.code == EXIT_NEVER
    assert "petals==99" in ended.stderr
    assert ended.stdout == ""
    assert ended.last_line.startswith(f"bodywork: {program} could not install the requirements (exit code 1)")


def test_an_image_without_pip_is_said_to_be_one(workspace, offline):
    workspace.has("main.py")
    ended = workspace.run(
        "install",
        "petals",
        settings="import os; os.environ['PYTHONPATH'] = os.environ['NO_PIP']",
        NO_PIP=no_pip(workspace),
        PATH=path_without_uv(),
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
    assert ended.stdout.count("installed 1 package in ") == 1


def test_a_second_start_on_the_same_volume_begins_anew(workspace, offline):
    workspace.has("main.py", "import petals")
    left_over = workspace.path / "venv" / "broken"
    left_over.parent.mkdir()
    left_over.write_text("")
    assert workspace.run("install", "petals", **offline).code == 0
    assert not left_over.exists()


@pytest.mark.parametrize(("own_word", "compiled"), [({}, False), ({"PIP_COMPILE": "1"}, True)], ids=["by default", "PIP_COMPILE=1"])
def test_pip_compiles_nothing_unless_it_is_told_to(workspace, offline, own_word, compiled):
    """Counted, since the obvious PIP_NO_COMPILE=1 compiles: https://github.com/pypa/pip/issues/5011"""
    workspace.has("main.py", "")
    assert workspace.run("install", "petals", BODYWORK_INSTALLER="pip", **own_word, **offline).code == 0
    assert bool(list((workspace.path / "venv").rglob("petals*.pyc"))) is compiled


# uv


def path_with_uv() -> str:
    """The `test` extra brings uv into this environment."""
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


def path_without_uv() -> str:
    return os.pathsep.join(folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists())


def with_uv(workspace, *wanted, **environment):
    return workspace.run("install", *wanted, PATH=path_with_uv(), **environment)


def test_uv_installs_where_there_is_one_and_says_so_in_one_line(workspace, offline):
    workspace.has("main.py", "import petals; print(petals.length)")
    ended = with_uv(workspace, "petals==1.0", **offline)
    assert re.fullmatch(r"installed 1 package in \d+\.\d s with uv\n", ended.stdout)
    assert ended.stderr == ""
    assert not list((workspace.path / "venv").rglob("petals*.pyc"))
    assert workspace.run("run", "main.py").stdout == "4\n"
    assert not (workspace.path / "uv-cache").exists()


def test_uv_that_cannot_be_had_is_one_line_and_pip_goes_on(workspace, offline):
    workspace.has("main.py", "import petals")
    ended = workspace.run("install", "petals", PATH=path_without_uv(), **offline)  # the index has none either
    assert ended.code == 0
    assert ended.stderr == "bodywork: installing with pip: uv could not be had from the package index\n"
    assert ended.stdout.endswith("s with pip\n")


def test_what_the_image_has_counts_as_installed_for_uv_too(workspace, offline, image_with):
    """`flowers` is only in the image: uv could not bring it."""
    workspace.has("main.py", "import flowers, petals; print(flowers.__file__)")
    Path(offline["PIP_FIND_LINKS"], "petals-1.0-py3-none-any.whl").unlink()
    a_wheel(Path(offline["PIP_FIND_LINKS"]), "petals", "1.0", requires="flowers>=2")
    ended = with_uv(workspace, "petals", "flowers", PYTHONPATH=str(image_with("flowers", "2.5+local")), **offline)
    assert (ended.code, ended.stderr) == (0, "")
    assert "installed 1 package in " in ended.stdout
    assert not list((workspace.path / "venv").rglob("flowers*"))


def test_what_the_image_has_in_another_version_is_installed(workspace, offline, image_with):
    workspace.has("main.py")
    image = image_with("petals", "0.9")
    before = sorted(path.name for path in image.rglob("*"))
    ended = with_uv(workspace, "petals==1.0", PYTHONPATH=str(image), **offline)
    assert ended.code == 0, ended.stderr
    assert list((workspace.path / "venv").rglob("petals-1.0.dist-info"))
    assert not list((workspace.path / "venv").rglob("petals-0.9.dist-info"))
    assert sorted(path.name for path in image.rglob("*")) == before


@pytest.mark.parametrize(
    ("settings", "options", "variables"),
    [
        ({"index-url": "https://a/simple"}, [], {"UV_DEFAULT_INDEX": "https://a/simple"}),
        ({"extra-index-url": "https://a\nhttps://b"}, [], {"UV_INDEX": "https://a https://b"}),
        ({"find-links": "wheels more"}, [], {"UV_FIND_LINKS": "wheels,more"}),
        ({"no-index": "1"}, ["--no-index"], {}),
        ({"constraint": "limits.txt"}, [], {"UV_CONSTRAINT": "limits.txt"}),
        ({"cert": "/etc/ca.pem", "trusted-host": "h"}, [], {"SSL_CERT_FILE": "/etc/ca.pem", "UV_INSECURE_HOST": "h"}),
        ({"pre": "yes"}, [], {"UV_PRERELEASE": "allow"}),
        ({"cache-dir": "/c", "progress-bar": "off"}, [], {}),
    ],
)
def test_pips_settings_are_uvs_too(settings, options, variables):
    assert script.uv_settings(settings) == (options, variables, [])


def test_a_setting_that_uv_does_not_have_means_pip(workspace, offline):
    workspace.has("main.py")
    ended = with_uv(workspace, "petals", PIP_USE_FEATURE="fast-deps", **offline)
    assert ended.code == 0
    assert ended.stderr.splitlines()[0] == "bodywork: installing with pip: uv does not know pip's setting use-feature"


def test_pips_files_are_read_and_its_variables_win(tmp_path):
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://file/simple\n[install]\nno_index = true\n")
    environment = {"PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": "https://variable/simple", "HOME": str(tmp_path), "PIP_EMPTY": ""}
    found = script.pip_settings(environment)
    assert (found["index-url"], found["no-index"]) == ("https://variable/simple", "true")
    assert "empty" not in found


def test_what_uv_cannot_read_is_tried_by_pip(workspace, offline):
    """uv refuses options in a requirements file that pip has: exit code 2."""
    workspace.has("requirements.txt", "petals --config-settings=a=b\n")
    ended = with_uv(workspace, "--requirement", "requirements.txt", **offline)
    assert ended.code == 0, ended.stderr
    assert ended.stderr.startswith("bodywork: uv failed (exit code 2), so pip tries: ")
    assert ended.stdout.endswith("s with pip\n")


def test_an_installer_of_no_such_name_is_refused(workspace):
    ended = workspace.run("install", "petals", BODYWORK_INSTALLER="conda")
    assert ended.code == EXIT_NEVER
    assert ended.last_line == "bodywork: BODYWORK_INSTALLER is 'conda', and must be one of auto, uv, pip"


@pytest.mark.parametrize("program", ["uv", "pip"])
def test_what_an_installer_and_others_print_of_secrets_is_masked(workspace, offline, program):
    """pip hides the password of an index, but not what a requirement or a build says."""
    workspace.has("requirements.txt", "hunter2-thing==1.0\n")
    secret = {"BODYWORK_SECRET_VARIABLES": "PIP_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL": "https://user:hunter2@127.0.0.1:9/simple"}
    ended = with_uv(workspace, "--requirement", "requirements.txt", BODYWORK_INSTALLER=program, **offline, **secret)
    assert ended.code == EXIT_NEVER
    assert "***-thing" in ended.stderr
    assert "hunter2" not in ended.stdout + ended.stderr
    assert ended.last_line == f"bodywork: {program} could not install the requirements (exit code 1)"
