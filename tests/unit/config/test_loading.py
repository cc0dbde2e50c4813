"""What `load` takes, and how it names files."""

from __future__ import annotations

import gc
import sys
from pathlib import Path

import pytest
from problem_texts import GOOD, GOOD_INI, changed, found, said, write

from bodywork_compiler import config
from bodywork_compiler.errors import ConfigError

BAD = changed(GOOD, ("retries: 2", "retries: -1"))


def file_of_the_fault(folder: Path, file: str | None = None) -> str:
    with pytest.raises(ConfigError) as raised:
        config.load(folder, file=file)
    return raised.value.problems[0].file


def test_a_project_is_a_folder_with_a_config(tmp_path: Path) -> None:
    assert not config.is_project(tmp_path)
    assert not config.is_project(tmp_path / "nowhere")
    assert config.is_project(write(tmp_path / "yaml", {"bodywork.yaml": ""}))
    assert config.is_project(write(tmp_path / "ini", {"bodywork.ini": ""}))


def test_a_folder_without_a_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "near", {"bodywork.yml": GOOD})
    assert said(Path()) == [
        ".: this folder holds no config, neither bodywork.yaml nor bodywork.ini; name the project's folder, or its config with --file"
    ]
    assert said(Path("near"))[0].endswith("bodywork.yml is not read: call it bodywork.yaml")
    assert said(Path("nowhere")) == ["nowhere: no such folder"]


def test_a_folder_above_the_config_names_those_that_hold_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"ml/bodywork.yaml": GOOD, "docs/index.md": ""})
    assert said(Path())[0].endswith("nor bodywork.ini; there is one in ml: name that folder")
    write(tmp_path, {f"p{number}/bodywork.ini": "" for number in range(6)})
    assert said(Path())[0].endswith("; there is one in ml, p0, p1, p2, p3 and others: name that folder")


def test_yaml_is_taken_where_both_generations_lie(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD_INI, "bodywork.yaml": GOOD})
    assert config.load(tmp_path).project.generation == "1.1"
    assert said(tmp_path) == ["bodywork.yaml: is taken; bodywork.ini beside it is not read   [note]"]


def test_another_config_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD_INI, "bodywork.yaml": BAD, "prod.yaml": GOOD})
    assert config.load(tmp_path, file="prod.yaml").project.config_file == "prod.yaml"
    assert config.load(tmp_path, file=str(tmp_path / "prod.yaml")).project.config_file == "prod.yaml"
    assert config.load(tmp_path, file="bodywork.ini").project.generation == "v1"
    assert said(tmp_path)[1].startswith("bodywork.yaml:16:16:")


def test_files_are_named_as_one_would_type_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "iris", {"bodywork.yaml": BAD, "other.yaml": BAD})
    monkeypatch.chdir(tmp_path)
    assert file_of_the_fault(Path("iris")) == "iris/bodywork.yaml"
    assert file_of_the_fault(tmp_path / "iris") == "iris/bodywork.yaml"
    assert file_of_the_fault(Path("iris"), "other.yaml") == "iris/other.yaml"
    monkeypatch.chdir(tmp_path / "iris")
    assert file_of_the_fault(Path()) == "bodywork.yaml"
    assert file_of_the_fault(Path("../iris")) == "../iris/bodywork.yaml"
    monkeypatch.chdir("/")
    assert file_of_the_fault(Path("/nowhere/at/all")) == "nowhere/at/all"


def test_what_the_system_refuses_to_open(tmp_path: Path) -> None:
    write(tmp_path, {"bodywork.yaml": GOOD})
    with pytest.raises(ConfigError, match="cannot be read: File name too long"):
        config.load(tmp_path, file="x" * 300)
    with pytest.raises(ConfigError, match="cannot be read: Not a directory"):
        config.load(tmp_path, file="bodywork.yaml/bodywork.yaml")


def test_strict_makes_errors_of_warnings_but_not_of_notes(tmp_path: Path) -> None:
    changes = ("    args", "    arg: x\n    args"), ("max_startup_time_seconds: 30", "max_startup_time_seconds: 0")
    write(tmp_path, {"bodywork.yaml": changed(GOOD, *changes)})
    assert [problem.severity for problem in found(tmp_path)] == ["warning", "note"]
    assert [problem.severity for problem in found(tmp_path, strict=True)] == ["error", "note"]
    with pytest.raises(ConfigError):
        config.load(tmp_path, strict=True)


def test_files_are_looked_for_on_demand_and_beside_other_faults(tmp_path: Path) -> None:
    write(tmp_path, {"bodywork.yaml": BAD, "train.py": "", "serve.py/folder": ""})
    assert [line.partition(":")[0] for line in said(tmp_path)] == ["bodywork.yaml"]
    assert said(tmp_path, check_files=True)[1:] == ["serve.py: is no file, although stages.serve.executable_module_path names it"]


def test_requirements_files_are_looked_for(tmp_path: Path) -> None:
    text = changed(GOOD, ('"1.1"', '"1.2"'), ("    cpu_request: 0.5", "    requirements: train/requirements.txt\n    cpu_request: 0.5"))
    write(tmp_path, {"bodywork.yaml": text, "train.py": "", "serve.py": ""})
    assert said(tmp_path, check_files=True) == ["train/requirements.txt: not found, although stages.train.requirements names it"]


@pytest.mark.parametrize(
    ("named", "meant"),
    [
        ("stage/train.py", "stages/train.py"),
        ("stages/trian.py", "stages/train.py"),
        ("stages/Train.py", "stages/train.py"),
        ("stages\\train.py", "stages/train.py"),
        ("train.py", None),
        ("stages/deep.py", None),
        ("stages/train.py/x.py", None),
    ],
)
def test_a_file_of_nearly_that_name_is_proposed(tmp_path: Path, named: str, meant: str | None) -> None:
    files = {"stages/train.py": "", "stages/deeper.py/x": "", "serve.py": ""}
    write(tmp_path, {"bodywork.yaml": changed(GOOD, ("path: train.py", f"path: {named}")), **files})
    hint = f"; did you mean `{meant}`?" if meant else ""
    assert said(tmp_path, check_files=True) == [f"{named}: not found, although stages.train.executable_module_path names it{hint}"]


@pytest.mark.parametrize("text", [GOOD, BAD], ids=["good", "bad"])
@pytest.mark.parametrize("enabled", [True, False], ids=["collecting", "not collecting"])
def test_garbage_collection_is_left_as_it_was(tmp_path: Path, text: str, enabled: bool) -> None:  # noqa: FBT001 - from the table
    write(tmp_path, {"bodywork.yaml": text})
    was_enabled = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        found(tmp_path)
        assert gc.isenabled() is enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_a_good_config_needs_no_jsonschema(tmp_path: Path) -> None:
    import subprocess

    write(tmp_path, {"bodywork.yaml": GOOD})
    program = "import sys; from pathlib import Path; from bodywork_compiler import config; config.load(Path()); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    late = {"jsonschema", "difflib", "bodywork_compiler.config.schema_errors", "bodywork_compiler.config.yaml_errors"}
    assert late & set(ran.stdout.split()) == set()
