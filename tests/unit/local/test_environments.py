"""The cache of virtual environments: named by content, made whole or not at all, shared by runs, and kept small."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from builders import write

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local import environments
from bodywork_compiler.local.environments import READY, Environments, Wanted, cache_folder, processes
from bodywork_compiler.local.workloads import Process

DAY = 86400.0


def wanted(*arguments: str, **changed: Any) -> Wanted:
    return Wanted(arguments=arguments, **{"env": {"PATH": "/nowhere", "BODYWORK_INSTALLER": "pip"}, **changed})


class Installer:
    """In the place of processes: remembers them, and makes what `venv` would."""

    def __init__(self, code: int = 0) -> None:
        self.commands: list[tuple[str, ...]] = []
        self.code = code

    def __call__(self, process: Process) -> int:
        self.commands.append(process.argv)
        return self.code


def never(_seconds: float) -> bool:
    raise AssertionError("nobody is to be waited for")


def test_an_environment_is_made_once_for_the_same_requirements(tmp_path: Path) -> None:
    installer = Installer()
    for _ in range(2):
        cache = Environments(tmp_path / "cache")
        assert cache.get(wanted("six==1.16.0"), installer, never) == tmp_path / "cache" / wanted("six==1.16.0").key / "venv"
        cache.close()
    assert [command[1:3] for command in installer.commands] == [("-I", "-m"), ("-c", environments.RUN_PIP)]
    assert installer.commands[1][-1] == "six==1.16.0"


def test_the_uv_that_came_with_bodywork_is_used_where_the_user_has_none(tmp_path: Path) -> None:
    installer = Installer()
    Environments(tmp_path).get(wanted("six==1.16.0", env={"PATH": "/nowhere"}), installer, never)
    assert [command[1:3] for command in installer.commands] == [("venv", "--quiet"), ("pip", "install")]


def test_what_decides_is_the_content(tmp_path: Path) -> None:
    file = write(tmp_path / "requirements.txt", "-r more.txt\nsix==1.16.0\n")
    more = write(tmp_path / "more.txt", "idna==3.7\n")
    keys = {wanted("--requirement", "requirements.txt", project=tmp_path).key}
    write(more, "idna==3.8\n")
    keys.add(wanted("--requirement", "requirements.txt", project=tmp_path).key)
    write(file, "six==1.17.0\n")
    keys.add(wanted("--requirement", "requirements.txt", project=tmp_path).key)
    keys.add(wanted("--requirement", "requirements.txt", project=tmp_path, env={"PIP_INDEX_URL": "https://me:secret@host"}).key)
    assert len(keys) == 4
    assert wanted("a", env={"AWS_X": "1"}).key == wanted("a", env={"AWS_X": "2"}).key


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(BodyworkError, match=r"none.txt: cannot be read"):
        _ = wanted("--requirement", "none.txt").key


def test_one_that_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    cache = Environments(tmp_path)
    assert cache.get(wanted("six"), Installer(code=1), never) is None
    assert list(tmp_path.iterdir()) == []


def test_one_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    entry = tmp_path / wanted("six==1").key
    write(entry / "venv" / "half", "")
    assert Environments(tmp_path).get(wanted("six==1"), Installer(), never) is not None
    assert not (entry / "venv" / "half").exists()


def test_runs_side_by_side_wait_for_each_other_and_install_once(tmp_path: Path) -> None:
    is_installing, go_on = threading.Event(), threading.Event()
    first, second = Installer(), Installer()

    def slow(process: Process) -> int:
        is_installing.set()
        assert go_on.wait(30)
        return first(process)

    other = threading.Thread(target=lambda: Environments(tmp_path).get(wanted("six==1"), slow, never))
    other.start()
    assert is_installing.wait(30)

    def waiting(_seconds: float) -> bool:
        go_on.set()
        other.join()
        return False

    assert Environments(tmp_path).get(wanted("six==1"), second, waiting) is not None
    assert len(first.commands) == 2
    assert second.commands == []


def test_who_need_not_wait_any_more_gets_none(tmp_path: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    def slow(_process: Process) -> int:
        entered.set()
        leave.wait(30)
        return 1

    other = threading.Thread(target=lambda: Environments(tmp_path).get(wanted("six==1"), slow, never))
    other.start()
    assert entered.wait(30)
    assert Environments(tmp_path).get(wanted("six==1"), Installer(), lambda _: True) is None
    leave.set()
    other.join()


@pytest.mark.parametrize(
    ("requirement", "is_pinned"),
    [
        ("six==1.16.0", True),
        ("six", False),
        ("six>=1", False),
        ("six==1.*", False),
        ("# a remark", True),
        ("a[b]==1; python_version>'3'", True),
    ],
)
def test_what_is_not_pinned_is_installed_anew_after_a_week(tmp_path: Path, requirement: str, is_pinned: bool) -> None:  # noqa: FBT001 - a column
    installer = Installer()
    now = [tmp_path.stat().st_mtime]
    for _ in range(2):
        cache = Environments(tmp_path / "cache", clock=lambda: now[0])
        assert cache.get(wanted(requirement), installer, never)
        cache.close()
        now[0] += 8 * DAY
    assert len(installer.commands) == (2 if is_pinned else 4)


def test_unused_ones_go_and_those_in_use_stay(tmp_path: Path) -> None:
    now = tmp_path.stat().st_mtime
    holder = Environments(tmp_path)
    old = [holder.get(wanted(f"six=={number}"), Installer(), never) for number in range(3)]
    for found in old:
        assert found
        os.utime(found.parent / READY, (now - 40 * DAY, now - 40 * DAY))
    Environments(tmp_path).tidy()
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 3
    holder.close()
    Environments(tmp_path).tidy()
    assert list(tmp_path.iterdir()) == []


def test_no_more_than_so_many_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "MOST_ENTRIES", 2)
    cache = Environments(tmp_path)
    made = [cache.get(wanted(f"six=={number}"), Installer(), never) for number in range(3)]
    cache.close()
    for age, found in enumerate(reversed(made)):
        assert found
        os.utime(found.parent / READY, (1e9 - age, 1e9 - age))
    Environments(tmp_path, clock=lambda: 1e9).tidy()
    assert {path.parent for path in made[1:] if path} == {path for path in tmp_path.iterdir() if path.is_dir()}


def test_uv_is_used_where_there_is_one(tmp_path: Path) -> None:
    env = {"PIP_INDEX_URL": "https://host/simple", "UV_CACHE_DIR": "/c"}
    made = list(processes(tmp_path / "venv", wanted("six==1", modules=("nbclient",), env=env), "/bin/uv"))
    python = str(tmp_path / "venv" / "bin" / "python")
    assert [process.argv[1:] for process in made] == [
        ("venv", "--quiet", "--python", environments.base_python(), str(tmp_path / "venv")),
        ("pip", "install", "--python", python, "six==1"),
        ("pip", "install", "--python", python, "nbclient"),
    ]
    assert made[0].env["UV_DEFAULT_INDEX"] == "https://host/simple"


@pytest.mark.parametrize(
    "line",
    [
        "-e .",
        "--editable=pkg",
        ".",
        "./package",
        "../package",
        "package/",
        "six @ file:///x",
        "six@./x.whl",
        "six @ x.whl",
        "file:x.whl",
        "FILE:///x",
        "/abs/wheel.whl",
        "wheels/thing-1.0-py3-none-any.whl",
        "wheels/thing-1.0.tar.gz[extra]",
        "thing-1.0-py3-none-any.whl",
        "thing.tar.gz",
        "--find-links wheels",
        "--find-links=wheels",
        "-f wheels",
        "-fwheels",
        "-f file:wheels",
        "--pre -f wheels",
        "--find=wheels",
        "--index-url ./simple",
        "-i file:///simple",
        "--extra-index-url=simple",
        "git+file:///repository",
        "git+./repository",
        "${WHEELS}/x.whl",
        "six --global-option=x",
        "--unknown",
        "'six",
        "~/x.whl",
        "C:\\x.whl",
    ],
)
def test_what_names_a_place_on_this_machine_is_not_kept(tmp_path: Path, line: str) -> None:
    file = write(tmp_path / "requirements.txt", f"six==1.16.0\n{line}\n")
    assert not wanted("-r", file.name, project=tmp_path).can_be_kept
    write(tmp_path / "outer.txt", "-r requirements.txt")
    assert not wanted("--requirement", "outer.txt", project=tmp_path).can_be_kept


@pytest.mark.parametrize(
    "line",
    [
        "six==1.16.0",
        "six",
        "six>=1,<2  # a remark",
        "six (>=1.0)",
        "scikit-learn[alldeps]~=1.0; python_version >= '3.8' and sys_platform != 'win32'",
        "six==1.16.0 --hash=sha256:aa --hash=sha256:bb",
        "six==1.16.0 \\\n    --hash=sha256:aa",
        "six @ https://host/six.whl ; python_version > '3'",
        "https://host/six.whl",
        "git+https://host/six.git@main#egg=six",
        "-i https://host/simple",
        "--extra-index-url=https://host/simple --pre",
        "-f https://host/wheels",
        "--no-binary :all:",
        "-r https://host/requirements.txt",
        "-c https://host/constraints.txt",
        "-chttps://host/constraints.txt",
        "--constraint=https://host/constraints.txt",
        "-c constraints.txt",
        "",
    ],
)
def test_what_means_the_same_everywhere_is_kept(tmp_path: Path, line: str) -> None:
    write(tmp_path / "constraints.txt", "idna<4\n")
    write(tmp_path / "requirements.txt", f"six==1.16.0\n{line}\n")
    assert wanted("-r", "requirements.txt", project=tmp_path).can_be_kept


@pytest.mark.parametrize(
    ("name", "text", "is_kept"),
    [
        ("PIP_FIND_LINKS", "wheels", False),
        ("PIP_FIND_LINKS", "https://host/wheels wheels", False),
        ("PIP_CONSTRAINT", "constraints.txt", False),
        ("UV_CONSTRAINT", "constraints.txt", False),
        ("PIP_INDEX_URL", "file:///simple", False),
        ("PIP_CONFIG_FILE", "pip.conf", False),
        ("PIP_CONFIG_FILE", os.devnull, True),
        ("PIP_INDEX_URL", "https://host/simple", True),
        ("UV_INDEX", "mine=https://host/simple", True),
        ("PIP_NO_INDEX", "1", True),
    ],
)
def test_so_it_is_with_pips_variables(name: str, text: str, is_kept: bool) -> None:  # noqa: FBT001 - a column
    assert wanted("six==1", env={name: text}).can_be_kept is is_kept


def test_nor_is_it_kept_where_the_project_has_settings_for_uv(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", '[tool.uv]\nfind-links = ["wheels"]\n')
    assert not wanted("six==1", project=tmp_path / "folder", root=tmp_path).can_be_kept


def uv_environment(tmp_path: Path, project: Path, **env: str) -> dict[str, str]:
    given = wanted("six==1", project=project, env={"HOME": str(tmp_path / "home"), "XDG_CONFIG_DIRS": str(tmp_path / "etc"), **env})
    return {
        name: text for name, text in next(processes(tmp_path / "venv", given, "uv")).env.items() if "CONFIG" in name and "XDG" not in name
    }


def test_uv_looks_for_settings_in_no_folder_above_the_project(tmp_path: Path) -> None:
    write(tmp_path / "uv.toml", 'index-url = "http://elsewhere"\n')
    project = write(tmp_path / "project" / "pyproject.toml", "# [tool.uv]\n").parent
    assert wanted("six==1", project=project).can_be_kept
    assert uv_environment(tmp_path, project) == {"UV_NO_CONFIG": "1"}
    write(project / "pyproject.toml", "[ tool.uv.pip ]\n")
    assert uv_environment(tmp_path, project) == {}


def test_the_users_own_settings_of_uv_hold_where_the_project_has_none(tmp_path: Path) -> None:
    file = write(tmp_path / "home" / ".config" / "uv" / "uv.toml", "")
    assert uv_environment(tmp_path, tmp_path / "project") == {"UV_CONFIG_FILE": str(file)}
    assert uv_environment(tmp_path, tmp_path / "project", UV_CONFIG_FILE="/mine") == {"UV_CONFIG_FILE": "/mine"}
    assert uv_environment(tmp_path, tmp_path / "project", UV_NO_CONFIG="1") == {"UV_NO_CONFIG": "1"}


def test_uv_itself_is_not_led_by_a_folder_above(tmp_path: Path) -> None:
    write(tmp_path / "uv.toml", "this is no TOML")
    project = write(tmp_path / "project" / "main.py", "").parent
    uv = environments.find_uv({"PATH": os.environ["PATH"]})
    assert uv
    for process in processes(tmp_path / "venv", wanted(project=project, env={"HOME": str(tmp_path), "XDG_CONFIG_DIRS": "/nowhere"}), uv):
        subprocess.run(process.argv, env={**process.env}, cwd=process.cwd, check=True)


def test_files_of_the_project_do_not_take_the_installers_place(tmp_path: Path) -> None:
    for name in ("pip", "venv", "runpy", "ensurepip"):
        write(tmp_path / f"{name}.py", "raise SystemExit('the project was run')")
    write(tmp_path / "requirements.txt", "-r more.txt\n")
    write(tmp_path / "more.txt", "\n")
    given = wanted("--requirement", "requirements.txt", project=tmp_path, env={"PATH": os.environ["PATH"], "BODYWORK_INSTALLER": "pip"})
    for process in processes(tmp_path / "venv", given, None):
        subprocess.run(process.argv, env={**process.env}, cwd=process.cwd, check=True)


def test_a_cache_that_others_may_write_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    assert Environments(folder).is_private
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    assert not Environments(folder).is_private
    link = tmp_path / "link"
    folder.chmod(0o700)
    link.symlink_to(folder)
    assert not Environments(link).is_private


def test_links_in_the_cache_lead_nowhere(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere" / READY, "0").parent
    write(elsewhere / "venv" / "bin" / "python", "")
    lock = write(tmp_path / "locked", "precious")
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    (cache / "old").symlink_to(elsewhere)
    entry = cache / wanted("six==1").key
    entry.symlink_to(elsewhere)
    entry.with_name(f"{entry.name}.lock").symlink_to(lock)
    Environments(cache, clock=lambda: 1e12).tidy()
    installer = Installer()
    assert Environments(cache).get(wanted("six==1"), installer, never)
    assert len(installer.commands) == 2
    assert not entry.is_symlink()
    assert (elsewhere / "venv" / "bin" / "python").exists()
    assert lock.read_text() == "precious"


def test_files_are_named_by_what_they_say_and_how_they_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "more.txt", "idna==3.7\n")
    keys = set()
    for line in ("-r more.txt", "-c more.txt", "idna==3.7", "-r https://host/more.txt", "-i https://${HOST}/simple"):
        write(tmp_path / "requirements.txt", line)
        keys |= {wanted("-r", "requirements.txt", project=tmp_path, env={"HOST": host}).key for host in "ab"}
    assert len(keys) == 6


def test_what_is_at_an_address_is_not_pinned() -> None:
    assert not wanted("-r", "https://host/requirements.txt").is_pinned


@pytest.mark.parametrize(
    ("files", "is_added"),
    [
        ({"mlflow/__init__.py": "import os\nfrom pkg_resources import x\n"}, True),
        ({"mlflow/deep/__init__.py": "try:\n    import pkg_resources\nexcept ImportError: pass\n"}, True),
        ({"mlflow/__init__.py": "# no pkg_resources\nimport os\n"}, False),
        ({"pip/_vendor/x.py": "import pkg_resources\n"}, False),
        ({"mlflow/__init__.py": "import pkg_resources\n", "setuptools-82.0.0.dist-info/METADATA": ""}, False),
    ],
)
@pytest.mark.parametrize("uv", [None, "/bin/uv"])
def test_setuptools_is_there_for_what_asks_for_pkg_resources(
    tmp_path: Path,
    files: dict[str, str],
    is_added: bool,  # noqa: FBT001 - a column
    uv: str | None,
) -> None:
    for name, text in files.items():
        write(tmp_path / "venv" / "lib" / "python3.12" / "site-packages" / name, text)
    made = list(processes(tmp_path / "venv", wanted("mlflow==1.16.0"), uv))
    assert ([process.argv[-1] for process in made] == [made[0].argv[-1], "mlflow==1.16.0", "setuptools<81"]) is is_added


def test_it_stands_in_the_users_cache() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c", "HOME": "/h"}) == Path("/c/bodywork/environments")
    assert cache_folder({"HOME": "/h"}) == Path("/h/.cache/bodywork/environments")
