"""Requirements as old projects have them, installed for real, by each installer, from wheels that the test makes."""

from __future__ import annotations

import http.server
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from builders import a_repository, write
from local_projects import bodywork

CONFIG = """\
version: "1.2"
pipeline: {{name: tiny, docker_image: "python:3.11", DAG: train, installer: {installer}}}
stages:
  train:
    executable_module_path: train.py
    requirements: requirements.txt
    cpu_request: 0
    memory_request_mb: 0
    batch: {{max_completion_time_seconds: 60, retries: 0}}
logging: {{log_level: INFO}}
"""


def a_wheel(folder: Path, name: str, version: str, **modules: str) -> None:
    about = f"{name}-{version}.dist-info"
    files = {f"{module}.py": text for module, text in modules.items()}
    files[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    files[f"{about}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{about}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{about}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that can be installed: `tiny` in two versions, and setuptools before and after it lost `pkg_resources`."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for version in ("1.0", "2.0"):
        a_wheel(folder, "tiny", version, tiny=f"import pkg_resources\nVERSION = {version!r}\n")
    a_wheel(folder, "setuptools", "80.0", pkg_resources="")
    a_wheel(folder, "setuptools", "82.0")
    for installer in ("PIP", "UV"):
        monkeypatch.setenv(f"{installer}_FIND_LINKS", str(folder))
        monkeypatch.setenv(f"{installer}_NO_INDEX", "1")
    return folder


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where a company has its constraints."""
    write(tmp_path / "served" / "constraints.txt", "tiny<2\n")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "served"))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/constraints.txt"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_constraints_have_an_address_and_a_package_wants_pkg_resources(tmp_path: Path, address: str, installer: str) -> None:
    project = a_repository(tmp_path / "project")
    write(project.path / "bodywork.yaml", CONFIG.format(installer=installer))
    write(project.path / "requirements.txt", f"-c {address}\ntiny\n")
    write(project.path / "train.py", "import tiny; print('tiny', tiny.VERSION)\n")
    project.commit()
    for verb in (("apply", "--local"), ("run", "train")):
        done = bodywork(*verb, cwd=project.path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "train | tiny 1.0" in done.stdout
        assert "installing requirements, in each run" in done.stdout, "what the address gives may be something else then"
