"""The wheel, not the checkout: it holds all that it needs, and installed alone it validates and renders, from anywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).parent.parent
PACKAGED = (
    "bodywork_compiler/**/*.py",
    "bodywork_compiler/compiler/scripts/*",
    "bodywork_compiler/starting/starters/**/*",
    "templates/*.j2",
    "schemas/*.json",
)

# one worker builds and installs for all of this file
pytestmark = pytest.mark.xdist_group("wheel")


def run(*argv: str | Path, cwd: Path) -> str:
    """Run a program with nothing of this checkout or of the user's in its environment; its stdout."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    environment |= {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    done = subprocess.run([str(word) for word in argv], cwd=cwd, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of what Git would keep: a build in the checkout would take up what earlier builds left in build/."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=CHECKOUT)
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, copy / name)
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, copy, cwd=copy)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment that holds the wheel and what it requires, and nothing else."""
    environment = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    run(sys.executable, "-m", "pip", "--python", environment / "bin" / "python", "install", "--quiet", wheel, cwd=environment)
    return environment / "bin"


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    files = {"v1": V1_PROJECT, "1.1": YAML_PROJECT}[request.param]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
    run("git", "init", "--quiet", cwd=tmp_path)
    run("git", "add", ".", cwd=tmp_path)
    run("git", *identity, "commit", "--quiet", "--message", "A pipeline", cwd=tmp_path)
    return tmp_path


def test_the_wheel_holds_every_module_template_schema_and_script(wheel: Path) -> None:
    expected = {path.relative_to(CHECKOUT).as_posix() for pattern in PACKAGED for path in CHECKOUT.glob(pattern) if path.is_file()}
    expected = {
        name if name.startswith("bodywork_compiler/") else f"bodywork_compiler/{name}" for name in expected if "__pycache__" not in name
    }
    assert any(name.endswith(".j2") for name in expected)
    assert any(name.endswith(".schema.json") for name in expected)
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected | {"bodywork_compiler/py.typed"}


def test_the_wheel_brings_its_licence(wheel: Path) -> None:
    (licence,) = (name for name in zipfile.ZipFile(wheel).namelist() if name.endswith("/LICENSE"))
    text = zipfile.ZipFile(wheel).read(licence).decode()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text


@pytest.mark.parametrize("command", ["bodywork", "bw"])
def test_both_commands_are_installed(installed: Path, command: str, tmp_path: Path) -> None:
    from bodywork_compiler import __version__

    assert run(installed / command, "version", cwd=tmp_path) == f"{__version__}\n"


@pytest.mark.parametrize("project", ["v1", "1.1"], indirect=True)
def test_the_installed_wheel_validates_and_renders_a_project_of_each_generation(installed: Path, project: Path) -> None:
    run(installed / "bodywork", "validate", cwd=project)
    documents = list(yaml.safe_load_all(run(installed / "bodywork", "render", cwd=project)))
    kinds = [document["kind"] for document in documents]
    assert kinds.count("Job") == 1
    assert kinds.count("Deployment") == 1
    assert kinds.count("Service") == 1


def test_the_installed_wheel_prints_its_schemas(installed: Path, tmp_path: Path) -> None:
    assert '"$schema"' in run(installed / "bodywork", "schema", "1.1", cwd=tmp_path)


YAML_PROJECT = {
    "bodywork.yaml": """\
version: "1.1"
pipeline: {name: wheel-test, docker_image: "python:3.11", DAG: train >> serve}
stages:
  train:
    executable_module_path: train.py
    cpu_request: 0.1
    memory_request_mb: 50
    batch: {max_completion_time_seconds: 30, retries: 1}
  serve:
    executable_module_path: serve.py
    cpu_request: 0.1
    memory_request_mb: 50
    service: {max_startup_time_seconds: 30, replicas: 1, port: 5000, ingress: false}
logging: {log_level: INFO}
""",
    "train.py": "print('trained')\n",
    "serve.py": "print('serving')\n",
}

V1_PROJECT = {
    "bodywork.ini": """\
[default]
PROJECT_NAME="wheel-test"
DOCKER_IMAGE="python:3.11"

[workflow]
DAG=train >> serve

[logging]
LOG_LEVEL="INFO"
""",
    "train/config.ini": """\
[default]
STAGE_TYPE="batch"
EXECUTABLE_SCRIPT="train.py"
CPU_REQUEST=0.1
MEMORY_REQUEST_MB=50

[batch]
MAX_COMPLETION_TIME_SECONDS=30
RETRIES=1
""",
    "train/train.py": "print('trained')\n",
    "train/requirements.txt": "",
    "serve/config.ini": """\
[default]
STAGE_TYPE="service"
EXECUTABLE_SCRIPT="serve.py"
CPU_REQUEST=0.1
MEMORY_REQUEST_MB=50

[service]
MAX_STARTUP_TIME_SECONDS=30
REPLICAS=1
PORT=5000
""",
    "serve/serve.py": "print('serving')\n",
    "serve/requirements.txt": "",
}
