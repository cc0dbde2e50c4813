"""A kustomization that names what is not in its repository is refused before kubectl is started, by all fields that kustomize would load from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from builders import Repository, a_repository, write

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import load_folder

REMOTE = [
    "https://git.example.com/acme/base.git",
    "https://git.example.com/acme/base//overlays/prod?ref=main",
    "HTTPS://git.example.com/x.yaml",
    "http://git.example.com/x.yaml",
    "git::https://git.example.com/acme/base",
    "git::file:///srv/base",
    "ssh://git@git.example.com/acme/base",
    "git@git.example.com:acme/base.git",
    "org-12345@github.com:acme/base",
    "github.com/acme/base",
    "GitHub.com:acme/base?ref=v1",
    "gh:acme/base",
    "file:///etc/base",
    " https://git.example.com/x.yaml",
]
FIELDS = [
    {"resources": ["X"]},
    {"Resources": ["X"]},
    {"bases": ["X"]},
    {"components": ["X"]},
    {"crds": ["X"]},
    {"configurations": ["X"]},
    {"generators": ["X"]},
    {"transformers": ["X"]},
    {"validators": ["X"]},
    {"patches": [{"path": "X", "target": {"kind": "Job"}}]},
    {"patchesStrategicMerge": ["X"]},
    {"patchesJson6902": [{"path": "X"}]},
    {"replacements": [{"path": "X"}]},
    {"openapi": {"path": "X"}},
    {"configMapGenerator": [{"name": "c", "files": ["X"]}]},
    {"configMapGenerator": [{"name": "c", "files": ["key=X"]}]},
    {"secretGenerator": [{"name": "c", "envs": ["X"]}]},
    {"secretGenerator": [{"name": "c", "env": "X"}]},
    {"generators": ["kind: ConfigMapGenerator\nmetadata: {name: x}\nfiles: ['X']\n"]},
    {"transformers": ["kind: PatchTransformer\nmetadata: {name: x}\npath: 'X'\n"]},
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = a_repository(tmp_path / "iris").path
    write(root / "manifests" / "kustomization.yaml", "resources: [job.yaml]\n")
    write(root / "manifests" / "job.yaml", "kind: Job\n")
    return root


class Started(Exception):
    """kubectl would have been started."""


def kustomize(_folder: Path) -> str:
    raise Started


def refused(folder: Path) -> str:
    with pytest.raises(BodyworkError) as error:
        load_folder(folder, kustomize)
    return error.value.message


def an_overlay(repository: Path, content: object, name: str = "prod") -> Path:
    write(repository / "overlays" / name / "kustomization.yaml", json.dumps(content))
    return repository / "overlays" / name


@pytest.mark.parametrize("address", REMOTE)
def test_an_address_is_refused_however_it_is_spelled(repository: Path, address: str) -> None:
    folder = an_overlay(repository, {"resources": ["../../manifests", address]})
    assert "which kustomize would fetch" in refused(folder)
    write(repository / "overlays" / "prod" / address.strip(), "kind: Job\n")
    assert "which kustomize would fetch" in refused(folder), "kustomize fetches it although there is such a file"


@pytest.mark.parametrize("field", FIELDS, ids=json.dumps)
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("https://x.example.com/x", "which kustomize would fetch"),
        ("/etc/hostname", "an absolute path"),
        ("../../../secret.yaml", "which leads out of the repository"),
        ("linked.yaml", "which leads out of the repository"),
        ("nowhere.yaml", "and there is no such file or folder"),
    ],
)
def test_every_field_that_names_files_is_looked_at(repository: Path, field: object, name: str, why: str) -> None:
    write(repository.parent / "secret.yaml", "kind: Secret\n")
    folder = an_overlay(repository, json.loads(json.dumps(field).replace("X", name)))
    (folder / "linked.yaml").symlink_to(repository.parent / "secret.yaml")
    message = refused(folder)
    assert message.startswith(f"{folder / 'kustomization.yaml'}:1: names ")
    assert why in message


def test_all_that_is_wrong_is_said_with_file_and_line_through_all_bases(repository: Path) -> None:
    write(repository / "base" / "kustomization.yml", "resources:\n  - job.yaml\n  - https://x.example.com/x\n")
    write(repository / "base" / "job.yaml", "kind: Job\n")
    write(repository / "part" / "Kustomization", "kind: Component\nresources: [gh:acme/x]\n")
    write(repository / "shared" / "kustomization.yaml", "helmCharts:\n  - {name: x, repo: https://charts.example.com}\n")
    folder = an_overlay(
        repository, {"resources": ["../../base", "../prod"], "components": ["../../part"], "transformers": ["../../shared"]}
    )
    message = refused(folder)
    assert f"{repository}/base/kustomization.yml:3: names https://x.example.com/x, which kustomize would fetch" in message
    assert f"{repository}/part/Kustomization:2: names gh:acme/x" in message
    assert f"{repository}/shared/kustomization.yaml:2: names a Helm chart, which is not built" in message


def test_what_a_generators_file_names_is_looked_at(repository: Path) -> None:
    folder = an_overlay(repository, {"generators": ["maps.yaml"]})
    write(folder / "maps.yaml", "kind: ConfigMapGenerator\nmetadata: {name: x}\nfiles:\n  - a=https://x.example.com/x\n")
    assert refused(folder).startswith(f"{folder}/maps.yaml:4: names a=https://x.example.com/x")


def test_a_merged_key_counts(repository: Path) -> None:
    folder = repository / "overlays" / "prod"
    write(folder / "kustomization.yaml", "metadata: &m {resources: [gh:acme/x]}\n<<: *m\n")
    assert "which kustomize would fetch" in refused(folder)


def test_a_folder_by_a_link_is_where_it_leads_to(repository: Path) -> None:
    write(repository.parent / "elsewhere" / "kustomization.yaml", "resources: []\n")
    folder = an_overlay(repository, {"resources": ["base"]})
    (folder / "base").symlink_to(repository.parent / "elsewhere")
    assert "leads out of the repository" in refused(folder)
    (folder / "base").unlink()
    (folder / "base").symlink_to(repository / "manifests")
    with pytest.raises(Started):
        load_folder(folder, kustomize)


@pytest.mark.parametrize(
    "content",
    [
        {"resources": ["../../manifests"], "namePrefix": "prod-", "images": [{"name": "python", "newName": "registry.example.com/python"}]},
        {"resources": ["../../manifests"], "commonAnnotations": {"docs": "https://docs.example.com"}},
        {"resources": ["../../manifests"], "patches": [{"patch": "- {op: add, path: /spec/x, value: a@b}", "target": {"kind": "Job"}}]},
        {"resources": ["../../manifests"], "patchesStrategicMerge": ["kind: Job\nmetadata: {name: x, annotations: {by: a@example.com}}\n"]},
        {"configMapGenerator": [{"name": "c", "literals": ["URL=https://x.example.com"], "files": ["a=kustomization.yaml"]}]},
    ],
)
def test_an_overlay_of_what_is_there_is_built(repository: Path, content: object) -> None:
    with pytest.raises(Started):
        load_folder(an_overlay(repository, content), kustomize)


def test_outside_of_a_repository_bases_beside_it_are_built(tmp_path: Path) -> None:
    write(tmp_path / "base" / "kustomization.yaml", "resources: []\n")
    write(tmp_path / "overlay" / "kustomization.yaml", "resources: [../base]\n")
    with pytest.raises(Started):
        load_folder(tmp_path / "overlay", kustomize)


def test_what_cannot_be_read_is_not_left_to_kustomize(repository: Path) -> None:
    folder = repository / "overlays" / "prod"
    write(folder / "kustomization.yaml", "resources: [\n")
    assert str(folder) in refused(folder)


@pytest.mark.parametrize("field", FIELDS, ids=json.dumps)
@pytest.mark.parametrize("name", [".git/config", "sub/../.git/config", "linked", ".GIT/config", "git~1/config"])
def test_gits_own_folder_is_read_into_nothing(repository: Path, field: object, name: str) -> None:
    write(repository / ".GIT" / "config", "token")
    write(repository / "git~1" / "config", "token")
    (repository / "linked").symlink_to(".git/config")
    write(repository / "kustomization.yaml", json.dumps(field).replace("X", name))
    message = refused(repository)
    assert message.startswith(f"{repository}/kustomization.yaml:1: names ")
    assert "which is in git's own folder" in message


@pytest.mark.parametrize("name", [".env", "linked"])
def test_what_git_ignores_is_refused_unless_it_was_committed(repository: Path, name: str) -> None:
    write(repository / ".gitignore", ".env\n")
    write(repository / ".env", "TOKEN=x\n")
    (repository / "linked").symlink_to(".env")
    write(repository / "kustomization.yaml", json.dumps({"configMapGenerator": [{"name": "c", "files": [f"key={name}"]}]}))
    assert refused(repository) == f"{repository}/kustomization.yaml:1: names key={name}, which is ignored by git"
    Repository(repository).git("add", "--force", ".env")
    with pytest.raises(Started):
        load_folder(repository, kustomize)


def test_a_rendered_folder_may_be_ignored(repository: Path) -> None:
    write(repository / ".gitignore", "/manifests/\n")
    with pytest.raises(Started):
        load_folder(an_overlay(repository, {"resources": ["../../manifests"]}), kustomize)
