"""The project's folder as an archive: files as git stores them, the same bytes for the same commit."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from builders import a_repository, write

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import archive
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.tree import Blob, blobs_in, is_within, manifest_folders, write_out


@pytest.fixture
def place(tmp_path: Path) -> Place:
    repository = a_repository(tmp_path / "mono")
    folder = repository.path / "ml" / "größe 1"
    write(folder / "main.py", "print()\n")
    write(folder / "run.sh", "#!/bin/sh\n").chmod(0o755)
    write(folder / ("long" * 40) / "ü\nn.txt", "crlf\r\n")
    (folder / "link").symlink_to("main.py")
    write(repository.path / "elsewhere.txt", "not ours\n")
    repository.commit()
    return Place(folder=folder)


def packed(place: Place) -> bytes:
    return archive.pack(place, blobs_in(place, "HEAD", "ml/größe 1"))


def test_it_holds_the_folders_files_with_mode_and_content(place: Place) -> None:
    with tarfile.open(fileobj=io.BytesIO(packed(place)), mode="r:gz") as tar:
        members = {member.name: member for member in tar}
        assert members.keys() == {"main.py", "run.sh", "link", f"{'long' * 40}/ü\nn.txt"}
        assert (members["main.py"].mode, members["run.sh"].mode, members["link"].linkname) == (0o644, 0o755, "main.py")
        content = tar.extractfile(members[f"{'long' * 40}/ü\nn.txt"])
        assert content
        assert content.read() == b"crlf\r\n"


def test_nothing_of_machine_time_or_user_is_in_it(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    first = packed(place)
    os.utime(place.folder / "main.py", (1, 1))
    (place.folder / "main.py").chmod(0o600)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert packed(place) == first
    assert first[:10] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"


def test_a_users_settings_of_line_ends_change_nothing(place: Place) -> None:
    first = packed(place)
    subprocess.run(["git", "config", "core.autocrlf", "true"], cwd=place.folder, check=True)
    assert packed(place) == first


def test_far_too_much_is_not_even_packed(place: Place) -> None:
    huge = [Blob(path=f"data-{n}.csv", mode="100644", hash="0" * 40, size=100 << 20) for n in range(3)]
    with pytest.raises(BodyworkError, match=r"300\.0 MiB in all, at most 3\.0 MiB(.|\n)*100\.0 MiB  data-0\.csv"):
        archive.pack(place, huge)


def test_files_are_written_out_as_they_were_committed(place: Place, tmp_path: Path) -> None:
    write_out(place, blobs_in(place, "HEAD", "ml/größe 1"), tmp_path / "out")
    assert (tmp_path / "out" / "main.py").read_text() == "print()\n"
    assert (tmp_path / "out" / "link").is_symlink()


@pytest.mark.parametrize("path", ["../evil", "a/../../evil", ".git/hooks/post-checkout", "/evil"])
def test_nothing_is_written_outside(place: Place, tmp_path: Path, path: str) -> None:
    (real,) = [blob for blob in blobs_in(place, "HEAD", "ml/größe 1") if blob.path == "main.py"]
    with pytest.raises(BodyworkError, match="cannot be written safely"):
        write_out(place, [Blob(path=path, mode=real.mode, hash=real.hash, size=real.size)], tmp_path / "out")


def test_a_folder_is_a_renders_by_its_marker() -> None:
    paths = ["a/.bodywork-render", "a/x.yaml", "b/c/.bodywork-render", ".bodywork-render", ""]
    assert manifest_folders(paths) == ("a", "b/c")
    assert [path for path in ("a", "a/x", "ab/x", "b/x", "b/c/d") if is_within(path, ("a", "b/c"))] == ["a", "a/x", "b/c/d"]


@pytest.mark.parametrize("made", [".bodywork-render", "kustomization.yaml"])
@pytest.mark.parametrize(
    "ours", ["src/main.py", "src/deep/main.py", "src/notebook.ipynb", "src/requirements.txt", "src/requirements-dev.in"]
)
def test_a_folder_with_what_pods_run_or_install_is_no_folder_of_manifests(made: str, ours: str) -> None:
    assert manifest_folders([f"src/{made}", "src/x.yaml", ours]) == ()
    assert manifest_folders([f"src/{made}", "src/x.yaml", "src/notes.txt"]) == ("src",)


def test_a_terminated_process_leaves_no_scratch_folder(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom bodywork_compiler.git.scratch import scratch_folder\n"
        "with scratch_folder() as folder:\n    (folder / 'file').touch()\n    print(folder, flush=True)\n    sys.stdin.read()\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        folder = Path(process.stdout.readline().strip())
        assert folder.parent == tmp_path
        process.send_signal(signal.SIGTERM)
    assert process.returncode == 143
    assert not folder.exists()
