"""`bodywork render -o DIR`: whole or not at all, and nothing that anybody else wrote is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from builders import Repository, a_batch_stage, a_pipeline, a_project, write

from bodywork_compiler.cli import main
from bodywork_compiler.manifests import load_folder, load_stream
from bodywork_compiler.source import RENDER_MARKER, RENDER_UNDER_WAY


@pytest.fixture
def iris(tmp_path: Path) -> Repository:
    return a_pipeline(tmp_path / "iris")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def one_stage_less(iris: Repository) -> Callable[[], None]:
    """Afterwards the project has only `train`: what was rendered for `serve` is no longer made."""

    def change() -> None:
        a_project(iris.path, stages={"train": a_batch_stage(args=["again"])})
        iris.commit()
        iris.pushed()

    return change


def render(*args: Path | str) -> int:
    return main(["render", *map(str, args)])


def snapshot(folder: Path) -> dict[str, tuple[bytes, float]]:
    return {str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_folder_has_the_steps_the_kustomization_and_a_readme(iris: Repository, out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert render(iris.path, "-o", out) == 0
    assert (out / "01-train" / "job.yaml").is_file()
    assert (out / "02-serve" / "deployment.yaml").is_file()
    assert {path.name for path in out.iterdir()} == {"00-setup", "01-train", "02-serve", "README.md", "kustomization.yaml", RENDER_MARKER}
    stdout, stderr = capfd.readouterr()
    assert stdout == ""
    assert f"{out}: 10 written" in stderr


def test_the_kustomization_lists_every_manifest_in_order(iris: Repository, out: Path) -> None:
    render(iris.path, "-o", out)
    kustomization = yaml.safe_load((out / "kustomization.yaml").read_text())
    assert kustomization["sortOptions"] == {"order": "fifo"}
    assert kustomization["resources"][0] == "00-setup/namespace.yaml"
    assert set(kustomization["resources"]) == {str(path.relative_to(out)) for path in out.glob("0*/*.yaml")}


def test_the_folder_holds_the_same_objects_as_the_stream(iris: Repository, out: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    render(iris.path, "-o", out)
    capfdbinary.readouterr()
    render(iris.path)
    stream = load_stream(capfdbinary.readouterr().out.decode(), "stdout")
    (out / "kustomization.yaml").unlink()  # read in name order
    folder = load_folder(out, lambda _: pytest.fail("there is no kustomization"))
    assert {step.number: sorted(str(each.body) for each in step.objects) for step in folder.steps} == {
        step.number: sorted(str(each.body) for each in step.objects) for step in stream.steps
    }


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not on the PATH")
def test_kubectl_kustomize_takes_it_and_keeps_the_order(iris: Repository, out: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    render(iris.path, "-o", out)
    capfdbinary.readouterr()
    render(iris.path)
    stream = load_stream(capfdbinary.readouterr().out.decode(), "stdout")
    built = subprocess.run(["kubectl", "kustomize", out], capture_output=True, text=True, check=True).stdout
    plan = load_stream(built, "kustomize")
    assert [[each.body for each in step.objects] for step in plan.steps] == [[each.body for each in step.objects] for step in stream.steps]


def test_each_command_of_the_readme_is_for_this_pipeline(iris: Repository, out: Path) -> None:
    render(iris.path, "-o", out)
    readme = (out / "README.md").read_text()
    assert "kubectl kustomize . | kubectl apply -l bodywork/pipeline=iris,bodywork/step=1 -f -" in readme
    assert "| 2 | serve (Deployment, Service) |" in readme


def test_the_readme_warns_of_what_deletes_a_namespace(iris: Repository, out: Path) -> None:
    assert render(iris.path, "-o", out) == 0
    assert "They take namespace `iris` for this folder's" in (out / "README.md").read_text()
    assert render(iris.path, "-o", out, "--no-namespace") == 0
    assert "They take namespace" not in (out / "README.md").read_text()


def test_a_second_render_of_the_same_touches_nothing(iris: Repository, out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    render(iris.path, "-o", out)
    before = snapshot(out)
    assert render(iris.path, "-o", out) == 0
    assert "10 unchanged" in capfd.readouterr().err
    assert snapshot(out) == before


def test_what_is_no_longer_made_is_removed_and_files_of_others_stay(
    iris: Repository, out: Path, one_stage_less: Callable[[], None]
) -> None:
    render(iris.path, "-o", out)
    write(out / "notes.txt", "mine\n")
    write(out / "01-train" / "notes.txt", "mine too\n")
    one_stage_less()
    assert render(iris.path, "-o", out) == 0
    assert not (out / "02-serve").exists()
    assert (out / "notes.txt").read_text() == "mine\n"
    assert (out / "01-train" / "notes.txt").read_text() == "mine too\n"
    assert not (out / RENDER_UNDER_WAY).exists()


@pytest.mark.parametrize("edited", ["kustomization.yaml", "01-train/job.yaml", "02-serve/service.yaml"])
def test_a_file_that_a_person_edited_stops_it_before_anything_is_written(
    iris: Repository, out: Path, one_stage_less: Callable[[], None], edited: str, capfd: pytest.CaptureFixture[str]
) -> None:
    render(iris.path, "-o", out)
    write(out / edited, (out / edited).read_text() + "# by hand\n")
    before = snapshot(out)
    one_stage_less()
    assert render(iris.path, "-o", out) == 1
    assert snapshot(out) == before
    error = capfd.readouterr().err
    assert edited in error
    assert "overlay" in error


def test_an_edited_readme_is_kept_and_said(
    iris: Repository, out: Path, one_stage_less: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    render(iris.path, "-o", out)
    write(out / "README.md", "# Our own words\n")
    one_stage_less()
    assert render(iris.path, "-o", out) == 0
    assert (out / "README.md").read_text() == "# Our own words\n"
    assert "README.md: was changed by hand and is kept" in capfd.readouterr().err
    assert "again" in (out / "01-train" / "job.yaml").read_text()


def test_a_file_that_a_person_removed_is_written_again(iris: Repository, out: Path) -> None:
    render(iris.path, "-o", out)
    (out / "kustomization.yaml").unlink()
    assert render(iris.path, "-o", out) == 0
    assert (out / "kustomization.yaml").is_file()


def test_windows_line_ends_are_no_edit(iris: Repository, out: Path, one_stage_less: Callable[[], None]) -> None:
    """As `core.autocrlf` checks a committed folder out."""
    render(iris.path, "-o", out)
    for file in out.rglob("*.yaml"):
        file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    one_stage_less()
    assert render(iris.path, "-o", out) == 0


def test_a_folder_of_others_takes_manifests_whose_names_are_free(iris: Repository, out: Path) -> None:
    write(out / "notes.txt", "mine\n")
    assert render(iris.path, "-o", out) == 0
    assert (out / "notes.txt").read_text() == "mine\n"


@pytest.mark.parametrize("name", ["README.md", "kustomization.yaml", "01-train/job.yaml"])
def test_a_folder_of_others_with_such_a_name_is_refused(iris: Repository, out: Path, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    write(out / name, "mine\n")
    assert render(iris.path, "-o", out) == 1
    assert snapshot(out).keys() == {name}
    assert name in capfd.readouterr().err


def test_a_target_that_is_a_file_is_refused_with_the_redirection(iris: Repository, out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(out, "mine\n")
    assert render(iris.path, "-o", out) == 1
    assert "bodywork render > manifests.yaml" in capfd.readouterr().err
    assert out.read_text() == "mine\n"


def test_a_config_with_faults_writes_nothing(iris: Repository, out: Path) -> None:
    write(iris.path / "bodywork.yaml", "version: 1\n")
    assert render(iris.path, "-o", out) == 1
    assert not out.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any folder")
def test_a_folder_that_cannot_be_written_is_as_it_was(iris: Repository, out: Path, one_stage_less: Callable[[], None]) -> None:
    render(iris.path, "-o", out)
    before = snapshot(out)
    one_stage_less()
    out.chmod(0o555)
    try:
        assert render(iris.path, "-o", out) == 1
        assert snapshot(out) == before
    finally:
        out.chmod(0o755)


def test_a_failure_half_way_leaves_the_folder_as_it_was(
    iris: Repository, out: Path, one_stage_less: Callable[[], None], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    render(iris.path, "-o", out)
    before = snapshot(out)
    one_stage_less()
    moves = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.name == "deployment.yaml" and RENDER_UNDER_WAY not in self.parts:
            raise OSError(28, "No space left on device", str(self))
        return moves(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert render(iris.path, "-o", out) == 1
    assert snapshot(out) == before
    error = capfd.readouterr().err
    assert "No space left on device" in error
    assert "is as it was" in error


def test_a_new_folder_appears_whole_or_not_at_all(iris: Repository, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", failing)
    assert render(iris.path, "-o", out) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["iris"]


def test_a_crash_half_way_is_mended_by_the_next_render(
    iris: Repository, out: Path, one_stage_less: Callable[[], None], capfd: pytest.CaptureFixture[str]
) -> None:
    """A killed process undoes nothing: some files are new, some old, some put aside, and all are known as ours."""
    render(iris.path, "-o", out)
    one_stage_less()
    script = (
        "import os, sys; from pathlib import Path; from bodywork_compiler.cli import main\n"
        "moves = Path.replace\n"
        "def killed(self, target):\n"
        "    if self.name == 'deployment.yaml': os._exit(9)\n"
        "    return moves(self, target)\n"
        "Path.replace = killed\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, "render", iris.path, "-o", out], check=False, capture_output=True)
    assert done.returncode == 9
    assert "again" in (out / "01-train" / "job.yaml").read_text()
    assert (out / "02-serve" / "deployment.yaml").exists()
    assert main(["render", str(iris.path), "-o", str(out)]) == 0, capfd.readouterr().err
    assert not (out / "02-serve").exists()
    assert not (out / RENDER_UNDER_WAY).exists()
    fresh = out.with_name("fresh")
    render(iris.path, "-o", fresh)
    assert {path: state[0] for path, state in snapshot(out).items()} == {path: state[0] for path, state in snapshot(fresh).items()}


def test_a_marker_that_is_broken_is_told_with_the_remedy(iris: Repository, out: Path, capfd: pytest.CaptureFixture[str]) -> None:
    render(iris.path, "-o", out)
    write(out / RENDER_MARKER, "<<<<<<< HEAD\n")
    assert render(iris.path, "-o", out) == 1
    assert f"{RENDER_MARKER}:1" in capfd.readouterr().err


def test_a_target_of_a_symbolic_link_is_written_where_it_points(iris: Repository, out: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    out.symlink_to(real)
    assert render(iris.path, "-o", out) == 0
    assert out.is_symlink()
    assert (real / "kustomization.yaml").is_file()
