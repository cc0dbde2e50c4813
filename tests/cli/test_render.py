"""`bodywork render`, whole, on real repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import URL, Repository, a_batch_stage, a_pipeline, a_project, a_repository, a_service_stage, write

from bodywork_compiler import labels
from bodywork_compiler.cli import main
from bodywork_compiler.manifests import Plan, load_stream


@dataclass(frozen=True)
class Rendered:
    exit_code: int
    out: str
    err: str

    @property
    def plan(self) -> Plan:
        assert self.exit_code == 0, self.err
        return load_stream(self.out, "stdout")

    @property
    def commit(self) -> str:
        return self.plan.facts[labels.FACT_GIT_COMMIT]

    @property
    def is_inline(self) -> bool:
        return any("source" in found.name for found in self.plan.steps[0].objects)

    @property
    def names(self) -> list[str]:
        return [document["metadata"]["name"] for document in yaml.safe_load_all(self.out)]


@pytest.fixture
def render(capfdbinary: pytest.CaptureFixture[bytes]) -> Any:
    def run(*args: Path | str) -> Rendered:
        capfdbinary.readouterr()
        code = main(["render", *map(str, args)])
        out, err = capfdbinary.readouterr()
        return Rendered(code, out.decode(), err.decode())

    return run


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


# --- the stream


def test_a_pushed_project_is_rendered_from_its_remote_and_nothing_is_said(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    done = render(repository.path)
    assert done.exit_code == 0
    assert done.err == ""
    assert done.commit == repository.git("rev-parse", "HEAD")
    assert done.plan.facts[labels.FACT_GIT_URL] == URL
    assert done.plan.facts[labels.FACT_GIT_BRANCH] == "main"
    assert not done.is_inline


def test_the_current_folder_is_the_default(tmp_path: Path, render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(a_pipeline(tmp_path / "iris").path)
    assert render().plan.pipeline == "iris"


def test_each_document_says_its_step_and_stage(tmp_path: Path, render: Any) -> None:
    out = render(a_pipeline(tmp_path / "iris").path).out
    assert "---\n# set-up: Namespace\n" in out
    assert "---\n# step 1, stage train: Job\n" in out
    assert "---\n# step 2, stage serve: Deployment\n" in out


def test_rendering_twice_and_elsewhere_gives_the_same_bytes(tmp_path: Path, render: Any) -> None:
    one = a_pipeline(tmp_path / "one")
    other = a_pipeline(tmp_path / "another place" / "zwei")
    assert render(one.path).out == render(one.path).out == render(other.path).out


def test_inline_source_is_the_same_bytes_too(tmp_path: Path, render: Any) -> None:
    one, other = (a_pipeline(tmp_path / name, remote=None) for name in ("one", "two"))
    assert render(one.path).out == render(other.path).out
    assert render(one.path).is_inline


def test_a_step_alone(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    assert render(repository.path, "--step", "1").names == ["train"]
    assert "iris" in render(repository.path, "--step", "0").names


def test_a_step_that_is_not_there_names_those_that_are(tmp_path: Path, render: Any) -> None:
    done = render(a_pipeline(tmp_path / "iris").path, "--step", "3")
    assert done.exit_code == 1
    assert done.out == ""
    assert "iris has no step 3" in done.err
    assert "1 to 2" in done.err


def test_a_stage_alone_in_every_step_that_has_it(tmp_path: Path, render: Any) -> None:
    stages = {"train": a_batch_stage(), "serve": a_service_stage()}
    repository = a_pipeline(tmp_path / "iris", stages=stages, dag="train >> serve >> train")
    assert render(repository.path, "--stage", "train").names == ["train", "train-2"]
    assert render(repository.path, "--stage", "train", "--step", "3").names == ["train-2"]


def test_an_unknown_stage_is_told_with_the_near_name(tmp_path: Path, render: Any) -> None:
    done = render(a_pipeline(tmp_path / "iris").path, "--stage", "serv")
    assert (done.exit_code, done.out) == (1, "")
    assert "Did you mean serve?" in done.err


def test_namespace_and_no_namespace(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    assert render(repository.path).plan.namespace == "iris"
    assert render(repository.path, "--namespace", "prod").plan.namespace == "prod"
    bare = render(repository.path, "--no-namespace")
    assert bare.plan.namespace is None
    assert "Namespace" not in {found.kind for found in bare.plan.steps[0].objects}


def test_options_that_contradict_are_wrong_usage(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    assert render(repository.path, "--namespace", "prod", "--no-namespace").exit_code == 2
    assert render(repository.path, "--folder", "x").exit_code == 2
    assert render(repository.path, "-o", tmp_path / "out", "--step", "1").exit_code == 2
    assert render(repository.path, "-o", repository.path).exit_code == 2
    assert render(repository.path, "-o", tmp_path).exit_code == 2


@pytest.mark.parametrize("option", ["--namespace", "--ingress-class"])
@pytest.mark.parametrize("name", ["Bad_NS", "my ns", "-ns", "a" * 64, ""], ids=["letters", "blank", "dash", "long", "empty"])
def test_a_name_that_the_cluster_would_refuse_is_wrong_usage(tmp_path: Path, render: Any, option: str, name: str) -> None:
    done = render(a_pipeline(tmp_path / "iris").path, option, name)
    assert (done.exit_code, done.out) == (2, "")
    assert f"'{option}'" in done.err
    assert f"must be at most 63 lower-case letters, digits and `-`, got `{name}`" in " ".join(done.err.split())


def test_an_ingress_class_may_hold_dots(tmp_path: Path, render: Any) -> None:
    assert render(a_pipeline(tmp_path / "iris").path, "--ingress-class", "nginx.internal").exit_code == 0


def test_ingress_class_and_templates_reach_the_manifests(tmp_path: Path, render: Any) -> None:
    service = a_service_stage()
    service["service"]["ingress"] = True
    repository = a_pipeline(tmp_path / "iris", stages={"serve": service})
    assert 'ingressClassName: "traefik"' in render(repository.path, "--ingress-class", "traefik").out


def test_a_config_of_another_name(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    shutil.copy(repository.path / "bodywork.yaml", repository.path / "prod.yaml")
    write(repository.path / "prod.yaml", (repository.path / "prod.yaml").read_text().replace("name: iris", "name: iris-prod"))
    repository.commit()
    repository.pushed()
    assert render(repository.path, "--file", "prod.yaml").plan.pipeline == "iris-prod"


def test_a_broken_config_stops_it_with_all_its_faults(tmp_path: Path, render: Any) -> None:
    stages = {"train": a_batch_stage(cpu_request="much"), "serve": a_service_stage(memory_request_mb="more")}
    done = render(a_pipeline(tmp_path / "iris", stages=stages).path)
    assert (done.exit_code, done.out) == (1, "")
    assert "stages.train.cpu_request" in done.err
    assert "stages.serve.memory_request_mb" in done.err


def test_a_reader_that_goes_away_is_no_bug(tmp_path: Path) -> None:
    stages = {f"stage-{number}": a_batch_stage() for number in range(60)}
    repository = a_pipeline(tmp_path / "iris", stages=stages)
    command = f'"{sys.executable}" -m bodywork_compiler render "{repository.path}" | head -1'
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True, check=False, env=os.environ)
    assert done.stdout == "---\n"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full, as Linux has it")
@pytest.mark.parametrize("options", [[], ["--step=0"], ["--step=1"], ["--help"]], ids=["all", "set-up", "step", "help"])
def test_a_full_disk_is_no_bug(tmp_path: Path, options: list[str]) -> None:
    repository = a_pipeline(tmp_path / "iris")
    words = [sys.executable, "-m", "bodywork_compiler", "render", str(repository.path), *options]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "bodywork: cannot write: No space left on device\n")


def test_unicode_reaches_stdout_whatever_the_locale(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris", stages={"train": a_batch_stage(args=["größe 🚀"])})
    job = render(repository.path).plan.steps[1].objects[0].body
    assert "größe 🚀" in str(job)


# --- which commit, and how it gets to the pods


def test_a_commit_of_the_rendered_folder_changes_nothing(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    render(repository.path, "-o", repository.path / "manifests")
    before = files_in(repository.path / "manifests")
    repository.commit("Manifests")
    repository.pushed()
    stream = render(repository.path)
    assert stream.err == ""
    assert stream.commit == repository.git("rev-parse", "HEAD~1")
    done = render(repository.path, "-o", repository.path / "manifests")
    assert "written" not in done.err
    assert files_in(repository.path / "manifests") == before


def test_a_target_that_was_committed_without_its_marker_is_left_out_too(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    first = repository.git("rev-parse", "HEAD")
    write(repository.path / "out" / "notes.txt", "mine\n")
    repository.commit()
    repository.pushed()
    assert render(repository.path).commit != first
    render(repository.path, "-o", repository.path / "out")
    assert first in (repository.path / "out" / "00-setup" / "pipeline.yaml").read_text()


def test_in_a_monorepo_only_the_projects_own_folder_counts(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "mono", inside="teams/ml/iris")
    first = repository.git("rev-parse", "HEAD")
    write(repository.path / "teams" / "web" / "index.html", "hello\n")
    repository.commit("Another team's")
    repository.pushed()
    done = render(repository.path / "teams/ml/iris")
    assert done.commit == first
    assert done.plan.facts[labels.FACT_GIT_FOLDER] == "teams/ml/iris"


def test_a_folder_inside_a_submodule_is_of_the_submodules_repository(tmp_path: Path, render: Any) -> None:
    inner = a_pipeline(tmp_path / "inner", inside="iris", remote=None)
    outer = a_repository(tmp_path / "outer")
    outer.git("submodule", "--quiet", "add", str(inner.path), "vendor")
    outer.commit()
    done = render(outer.path / "vendor" / "iris")
    assert done.commit == inner.git("rev-parse", "HEAD")
    assert done.plan.facts[labels.FACT_GIT_FOLDER] == "iris"


def test_a_detached_head_has_no_branch(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    repository.git("checkout", "--quiet", "--detach")
    done = render(repository.path)
    assert done.plan.facts.get(labels.FACT_GIT_BRANCH) is None
    assert not done.is_inline


def test_a_worktree_is_a_repository(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    repository.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "tree"))
    done = render(tmp_path / "tree")
    assert done.plan.facts[labels.FACT_GIT_BRANCH] == "other"
    assert done.plan.facts[labels.FACT_GIT_URL] == URL


def test_a_path_with_spaces_and_unicode(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "mein Projekt ✨", inside="größe (1)")
    folder = repository.path / "größe (1)"
    render(folder, "-o", folder / "out put")
    repository.commit()
    repository.pushed()
    done = render(folder)
    assert done.err == ""
    assert done.plan.facts[labels.FACT_GIT_FOLDER] == "größe (1)"
    assert done.commit == repository.git("rev-parse", "HEAD~1")


def test_credentials_in_the_remotes_url_are_nowhere(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris", remote="https://ada:s3cr3t-t0ken@git.example.com/acme/iris.git")
    done = render(repository.path)
    assert done.plan.facts[labels.FACT_GIT_URL] == URL
    assert "s3cr3t" not in done.out + done.err
    assert "ada@" not in done.out + done.err


def test_without_a_remote_the_files_travel_inside(tmp_path: Path, render: Any) -> None:
    done = render(a_pipeline(tmp_path / "iris", remote=None).path)
    assert done.is_inline
    assert labels.FACT_GIT_URL not in done.plan.facts
    assert "no remote that pods could fetch from" in done.err


def test_a_remote_on_this_machine_is_no_remote_for_pods(tmp_path: Path, render: Any) -> None:
    done = render(a_pipeline(tmp_path / "iris", remote=str(tmp_path / "server.git")).path)
    assert done.is_inline
    assert str(tmp_path) not in done.out


def test_an_unpushed_commit_travels_inside_and_the_remedy_is_said(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    write(repository.path / "train" / "main.py", "print('new')\n")
    repository.commit()
    done = render(repository.path)
    assert done.is_inline
    assert "git push" in done.err
    repository.pushed()
    assert not render(repository.path).is_inline


def test_an_unpushed_commit_of_something_else_does_not_matter(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "mono", inside="iris")
    write(repository.path / "readme.txt", "hello\n")
    repository.commit()
    assert not render(repository.path / "iris").is_inline


def test_a_remote_that_was_never_fetched_is_taken_at_its_word(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    repository.has_remote(URL, with_all=False)
    done = render(repository.path)
    assert not done.is_inline
    assert "taken for granted" in done.err


def test_the_upstreams_remote_comes_before_origin(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    repository.has_remote("git@git.example.com:team/iris.git", name="team")
    repository.git("branch", "--quiet", "--set-upstream-to=team/main")
    assert render(repository.path).plan.facts[labels.FACT_GIT_URL] == "git@git.example.com:team/iris.git"


def test_inline_source_on_request(tmp_path: Path, render: Any) -> None:
    assert render(a_pipeline(tmp_path / "iris").path, "--inline-source").is_inline


def test_too_much_to_travel_inside_is_refused_and_the_largest_files_named(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris", remote=None)
    (repository.path / "data.bin").write_bytes(os.urandom(4 * 1024 * 1024))
    repository.commit()
    done = render(repository.path)
    assert (done.exit_code, done.out) == (1, "")
    assert "4.0 MiB compressed, at most 3.0 MiB" in done.err
    assert "data.bin" in done.err


def test_uncommitted_changes_are_said_and_do_not_stop_a_render(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    write(repository.path / "train" / "main.py", "print('not yet')\n")
    write(repository.path / "scratch.txt", "nobody needs this\n")
    done = render(repository.path)
    assert done.exit_code == 0
    assert "not committed: train/main.py; pods run commit" in done.err
    assert "scratch.txt" not in done.err


def test_an_untracked_file_that_a_stage_needs_is_said(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    config = (repository.path / "bodywork.yaml").read_text().replace("train/main.py", "new/main.py")
    write(repository.path / "bodywork.yaml", config)
    repository.commit()
    repository.pushed()
    write(repository.path / "new" / "main.py", "print()\n")
    assert "not committed: new/" in render(repository.path).err


def test_a_given_commit_is_read_and_pinned(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    first = repository.git("rev-parse", "HEAD")
    a_project(repository.path, name="iris-2")
    repository.commit()
    repository.pushed()
    done = render(repository.path, "--commit", first[:10])
    assert (done.commit, done.plan.pipeline) == (first, "iris")
    assert render(repository.path).plan.pipeline == "iris-2"


def test_a_given_branch_is_read_as_committed(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris")
    repository.git("checkout", "--quiet", "-b", "next")
    a_project(repository.path, name="iris-next")
    commit = repository.commit()
    repository.git("update-ref", "refs/remotes/origin/next", "HEAD")
    repository.git("checkout", "--quiet", "main")
    done = render(repository.path, "--branch", "next")
    assert (done.commit, done.plan.pipeline, done.plan.facts[labels.FACT_GIT_BRANCH]) == (commit, "iris-next", "next")


@pytest.mark.parametrize(
    ("option", "value", "said"), [("--commit", "feed123", "no commit feed123"), ("--branch", "nope", "no branch nope")]
)
def test_what_the_repository_has_not_got(tmp_path: Path, render: Any, option: str, value: str, said: str) -> None:
    done = render(a_pipeline(tmp_path / "iris").path, option, value)
    assert (done.exit_code, done.out) == (1, "")
    assert said in done.err


def test_a_fault_in_a_given_commit_is_named_by_commit_and_file(tmp_path: Path, render: Any) -> None:
    repository = a_pipeline(tmp_path / "iris", stages={"train": a_batch_stage(cpu_request="much")})
    done = render(repository.path, "--commit", "HEAD")
    assert done.exit_code == 1
    assert done.err.startswith("bodywork.yaml:")
    assert "/bodywork-" not in done.err


@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (a_project, "is in no Git repository"),
        (lambda path: (a_repository(path), a_project(path)), "no commit yet"),
        (lambda path: (a_repository(path.parent).commit(), a_project(path)), "nothing in this folder is committed"),
    ],
    ids=["no repository", "no commit", "folder not committed"],
)
def test_what_is_not_in_git_is_refused_with_the_remedy(tmp_path: Path, render: Any, prepare: Any, said: str) -> None:
    prepare(tmp_path / "outer" / "iris")
    done = render(tmp_path / "outer" / "iris")
    assert (done.exit_code, done.out) == (1, "")
    assert said in done.err
    assert "git commit" in done.err


def test_no_such_folder_and_a_file(tmp_path: Path, render: Any) -> None:
    assert "no such folder" in render(tmp_path / "nope").err
    assert "is a file" in render(write(tmp_path / "bodywork.yaml", "")).err


def test_a_missing_git_is_said(tmp_path: Path, render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = a_pipeline(tmp_path / "iris")
    monkeypatch.setenv("PATH", str(tmp_path))
    done = render(repository.path)
    assert done.exit_code == 1
    assert "git is not installed" in done.err


def test_gits_own_variables_do_not_mislead(tmp_path: Path, render: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As inside a hook of another repository."""
    repository = a_pipeline(tmp_path / "iris")
    other = a_pipeline(tmp_path / "other", name="other")
    monkeypatch.setenv("GIT_DIR", str(other.path / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.path / ".git" / "index"))
    assert render(repository.path).commit == Repository(repository.path).git("--git-dir=.git", "rev-parse", "HEAD")


@pytest.fixture
def git_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """From here on every call of git is written down, and then done."""
    calls = tmp_path / "calls"
    shim = write(tmp_path / "bin" / "git", f'#!/bin/sh\necho "$*" >>"{calls}"\nexec "{shutil.which("git")}" "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}:{os.environ['PATH']}")
    return lambda: calls.read_text().splitlines()


def test_a_plain_render_starts_git_five_times_and_asks_no_network(tmp_path: Path, render: Any, request: pytest.FixtureRequest) -> None:
    """Each start is felt: 3 ms of some 100."""
    repository = a_pipeline(tmp_path / "iris")
    repository.git("branch", "--quiet", "--set-upstream-to=origin/main")
    calls = request.getfixturevalue("git_calls")
    assert render(repository.path).exit_code == 0
    said = calls()
    assert len(said) == 5, said
    assert sum(" config " in call for call in said) == 2, "the second asks for settings that name programs, before files are looked at"
    for verb in (" status ", " ls-tree ", " log "):
        assert sum(verb in call for call in said) == 1, said


def test_an_ingress_class_without_rewriting_is_said_to_show_services_the_whole_path(render: Any, tmp_path: Path) -> None:
    service = a_service_stage()
    service["service"]["ingress"] = True
    a_pipeline(tmp_path, stages={"serve": service}, dag="serve")
    assert "serve will see the whole path" in render(tmp_path, "--ingress-class", "traefik").err
    assert "whole path" not in render(tmp_path).err
