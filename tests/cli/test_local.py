"""`bodywork apply --local` and `bodywork run` on real repositories: real processes, and nothing left of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest
from builders import a_batch_stage, a_project, write
from local_projects import SERVER, STUBBORN, a_free_port, a_repository_with, batch, bodywork, ended, events, lives, named, running, service
from secret_forms import ODD, PRINTS, leaks

ASK = """\
import os, urllib.request
with urllib.request.urlopen(os.environ["BODYWORK_SERVICE_SERVE_IT_URL"]) as answer:
    print("answered", answer.status)
"""


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where runs put their folders: what is left there is seen."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


def test_a_pipeline_runs_step_by_step_finds_its_service_and_leaves_nothing(project: Path, scratch: Path) -> None:
    port = a_free_port()
    stages = {"train": batch("train/main.py"), "serve_it": service("serve.py", port), "ask": batch("ask.py")}
    a_repository_with(project, {"serve.py": SERVER.format(port=port), "ask.py": ASK}, stages=stages)
    done = bodywork("apply", "--local", "--exit-when-done", "-o", "json", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    told = events(done)
    assert [each["stage"] for each in named(told, "stage_ended")] == ["train", "serve-it", "ask"]
    assert ("ask", "answered 200") in [(each["stage"], each["line"]) for each in named(told, "log_line")]
    end = told[-1]
    assert (end["event"], end["result"], end["exit_code"], end["on_this_machine"]) == ("run_ended", "succeeded", 0, True)
    assert [each["address"] for each in end["stages"]] == [None, f"http://localhost:{port}", None]
    assert list(scratch.iterdir()) == []
    with socket.socket() as trial:
        assert trial.connect_ex(("127.0.0.1", port)) != 0


def test_what_cannot_be_the_same_is_said_once_at_the_start(project: Path) -> None:
    port = a_free_port()
    a_repository_with(project, {"serve.py": SERVER.format(port=port)}, stages={"serve": service("serve.py", port, replicas=2)})
    done = bodywork("apply", "--local", "--exit-when-done", cwd=project)
    (said,) = [line for line in done.stdout.splitlines() if "not as on a cluster" in line]
    for part in ("no image (python:3.11)", "no requests or limits of CPU and memory", "no DNS names", "one process of serve"):
        assert part in said
    assert "→ this machine" in done.stdout
    assert "has run on this machine" in done.stdout


def test_services_stay_until_ctrl_c_which_is_a_good_end(project: Path, scratch: Path) -> None:
    port = a_free_port()
    a_repository_with(project, {"serve.py": SERVER.format(port=port)}, stages={"serve": service("serve.py", port)})
    with running("apply", "--local", until=f"until Ctrl-C: serve at http://localhost:{port}", cwd=project) as (process, lines):
        assert "serve | serving" in lines
        with urllib.request.urlopen(f"http://localhost:{port}") as answer:
            assert answer.status == 200
        code, _ = ended(process)
    assert code == 0
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stage_that_ignores_sigterm_ends_with_the_run_and_its_children_too(project: Path, scratch: Path, number: int) -> None:
    pids = project.parent / "pids"
    a_repository_with(project, {"train.py": STUBBORN.format(pids=str(pids))}, stages={"train": batch("train.py")})
    with running("apply", "--local", until="stubborn", cwd=project) as (process, _):
        code, rest = ended(process, number)
    assert code == 128 + number
    assert "iris" in rest
    assert "was interrupted on this machine" in rest
    assert [pid for pid in pids.read_text().split() if lives(int(pid))] == []
    assert list(scratch.iterdir()) == []


def test_what_kill_9_leaves_dies_with_it_and_the_next_run_removes_the_folder(project: Path, scratch: Path) -> None:
    pids = project.parent / "pids"
    a_repository_with(project, {"train.py": STUBBORN.format(pids=str(pids))}, stages={"train": batch("train.py")})
    with running("apply", "--local", until="stubborn", cwd=project) as (process, _):
        process.kill()
        process.communicate()  # comes to its end when the last of the run's processes, which hold the output, is gone
        opened = [int(pid) for pid in pids.read_text().split()]
    wait_until_gone(opened)
    (left,) = scratch.iterdir()
    write(project / "train.py", "print('quick')\n")
    assert bodywork("apply", "--local", "--working-tree", cwd=project).returncode == 0
    assert not left.exists()
    assert list(scratch.iterdir()) == []


def wait_until_gone(pids: list[int]) -> None:
    """By the kernel's word on each process, without asking over and over."""
    import select

    for pid in pids:
        try:
            process = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([process], [], [], 30)[0], f"{pid} lives on"
        os.close(process)


def test_a_batch_stage_is_tried_again_and_its_end_is_told_as_on_a_cluster(project: Path) -> None:
    a_repository_with(project, {"train.py": "print('no luck'); raise SystemExit(3)"}, stages={"train": batch("train.py", retries=1)})
    done = bodywork("apply", "--local", "-o", "json", cwd=project)
    assert done.returncode == 4
    told = events(done)
    (end,) = named(told, "stage_ended")
    assert (end["result"], end["attempts"], end["reason"]) == ("failed", 2, "the container exited with code 3, 2 times")
    (evidence,) = named(told, "evidence")
    assert [(tail["attempt"], tail["exit_code"], tail["lines"]) for tail in evidence["tails"]] == [(1, 3, ["no luck"]), (2, 3, ["no luck"])]
    assert evidence["look_further"] == ["bodywork run train --working-tree"]


def test_commands_that_are_proposed_find_the_same_files_and_secrets(project: Path) -> None:
    a_repository_with(project, {"fail.py": "raise SystemExit(3)\n"}, stages={"train": batch("train/main.py"), "fail": batch("fail.py")})
    secrets = write(project.parent / "my secrets.env", "TOKEN=0123\n")
    done = bodywork("apply", "--local", "--working-tree", "--secrets", str(secrets), cwd=project)
    told = " ".join(done.stdout.split())
    assert "--from-step" not in told, "services of the steps before have ended with the run"
    assert f"bodywork run fail --working-tree '--secrets={secrets}'" in told
    assert f"after mending: bodywork apply --local --working-tree '--secrets={secrets}'" in told


def test_an_attempt_that_takes_too_long_is_a_time_out(project: Path) -> None:
    a_repository_with(project, {"train.py": "import time; time.sleep(600)"}, stages={"train": batch("train.py", seconds=1)})
    done = bodywork("apply", "--local", cwd=project)
    assert done.returncode == 70
    assert "took longer than 1 s" in done.stdout
    assert "After mending: bodywork apply --local" in done.stdout or "after mending: bodywork apply --local" in done.stdout


def test_the_run_has_a_limit_too(project: Path) -> None:
    a_repository_with(project, {"train.py": "import time; time.sleep(600)"}, stages={"train": batch("train.py")})
    done = bodywork("apply", "--local", "--timeout", "1s", cwd=project)
    assert done.returncode == 70
    assert "the run took longer than 1 s" in done.stdout


def test_when_a_stage_fails_its_step_ends_and_the_failure_stage_hears_why(project: Path) -> None:
    stages = {"good": batch("good.py"), "bad": batch("bad.py"), "alert": batch("alert.py")}
    scripts = {
        "good.py": "import time; time.sleep(600)",
        "bad.py": "raise SystemExit(1)",
        "alert.py": "import os; print('heard:', os.environ['EXCEPTION_MESSAGE'])",
    }
    a_repository_with(project, scripts, stages=stages, dag="good, bad", run_on_failure="alert")
    done = bodywork("apply", "--local", cwd=project)
    assert done.returncode == 4
    assert "alert | heard: bad (step 1): the container exited with code 1" in done.stdout
    results = {line.split()[2]: line.split()[4] for line in done.stdout.splitlines() if line.startswith("  step 1")}
    assert results == {"good": "stopped", "bad": "failed"}


def test_stages_of_one_step_run_side_by_side(project: Path) -> None:
    """Each waits for the other's file: one after the other, neither would end."""
    meet = "import pathlib, time\nfolder = pathlib.Path({folder!r})\n(folder / {me!r}).touch()\nwhile not (folder / {other!r}).exists(): time.sleep(0.01)\n"
    scripts = {f"{me}.py": meet.format(folder=str(project.parent), me=me, other=other) for me, other in (("a", "b"), ("b", "a"))}
    a_repository_with(project, scripts, stages={"a": batch("a.py"), "b": batch("b.py")}, dag="a, b")
    assert bodywork("apply", "--local", cwd=project).returncode == 0


def test_requirements_are_installed_once_and_nothing_else_is_there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)  # where it names a folder, an environment is another in each run
    script = "import importlib.util, idna; print(idna.__version__, importlib.util.find_spec('click'))"
    a_repository_with(project, {"train.py": script}, stages={"train": batch("train.py", requirements=["idna==3.10"])})
    first, second = (bodywork("apply", "--local", cwd=project) for _ in range(2))
    for done in (first, second):
        assert "train | 3.10 None" in done.stdout, done.stdout
    assert "train install | bodywork: installing requirements; the next run has them" in first.stdout
    assert "install |" not in second.stdout


class TestSecrets:
    SCRIPT = "import os; print('token', os.environ['TOKEN'], 'user', os.environ['USER_NAME'])"

    def test_all_that_are_missing_are_said_before_anything_starts(self, project: Path) -> None:
        stages = {
            "train": batch("train.py", secrets={"TOKEN": "store", "USER_NAME": "store"}),
            "check": batch("train.py", secrets={"TOKEN": "store"}),
        }
        a_repository_with(project, {"train.py": self.SCRIPT}, stages=stages)
        done = bodywork("apply", "--local", cwd=project)
        assert done.returncode == 1
        assert "TOKEN of secret store (for train, check); USER_NAME of secret store (for train)" in done.stderr
        assert "--secrets FILE" in done.stderr
        assert done.stdout == ""

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (".env", "export TOKEN='correct horse'\n# a remark\nUSER_NAME=ada # who\n"),
            ("secrets.yaml", "store:\n  TOKEN: correct horse\nUSER_NAME: ada\n"),
            ("secret.yaml", "kind: Secret\nmetadata: {name: store}\ndata: {TOKEN: Y29ycmVjdCBob3JzZQ==}\nstringData: {USER_NAME: ada}\n"),
        ],
    )
    def test_they_come_from_a_file_and_are_masked(self, project: Path, name: str, text: str) -> None:
        secrets = {"TOKEN": "store", "USER_NAME": "store"}
        a_repository_with(project, {"train.py": self.SCRIPT}, stages={"train": batch("train.py", secrets=secrets)})
        file = write(project.parent / name, text)
        done = bodywork("apply", "--local", "--secrets", file, cwd=project)
        assert done.returncode == 0, done.stderr
        assert "train | token *** user ada" in done.stdout

    @pytest.mark.parametrize("form", ["text", "json"])
    def test_no_form_of_them_comes_out_anywhere(self, project: Path, form: str) -> None:
        """The failure stage prints them too, and is told what the first has said last."""
        canaries = {"ODD": ODD, "TOKEN": "ghp_0123456789abcdef", "KEY": "-----BEGIN KEY-----\nAAAAC3NzaC1lZDI1NTE5\n-----END KEY-----"}
        secrets = dict.fromkeys(canaries, "store")
        fails = f"{PRINTS}raise SystemExit('refused: ' + repr(dict(os.environ)))\n"
        stages = {stage: batch(f"{stage}.py", secrets=secrets) for stage in ("fails", "tells")}
        scripts = {"fails.py": fails, "tells.py": f"{PRINTS}print(repr(os.environ['EXCEPTION_MESSAGE']))"}
        a_repository_with(project, scripts, stages=stages, dag="fails", run_on_failure="tells")
        file = write(project.parent / "secrets.yaml", json.dumps({"store": canaries}))
        report = project.parent / "report.json"
        done = bodywork("apply", "--local", "--secrets", file, "-o", form, "--report", report, cwd=project)
        assert done.returncode == 4, done.stdout + done.stderr
        assert done.stdout.count("all is printed") >= 2
        assert "refused: " in done.stdout
        assert leaks(done.stdout + done.stderr + report.read_text(), *canaries.values()) == []

    def test_or_from_the_environment_which_else_reaches_no_stage(self, project: Path) -> None:
        script = "import os; print('token' if os.environ['TOKEN'] == 'correct horse' else 'none', os.environ.get('MINE'))"
        a_repository_with(project, {"train.py": script}, stages={"train": batch("train.py", secrets={"TOKEN": "store"})})
        done = bodywork("apply", "--local", cwd=project, TOKEN="correct horse", MINE="mine")
        assert "train | token None" in done.stdout


class TestPorts:
    def test_one_that_is_taken_is_refused_before_the_first_stage(self, project: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            stages = {"train": batch("train/main.py"), "serve": service("serve.py", port)}
            a_repository_with(project, {"serve.py": SERVER.format(port=port)}, stages=stages)
            done = bodywork("apply", "--local", cwd=project)
        assert done.returncode == 1
        assert f"serve: port {port} is taken" in done.stderr
        assert f"lsof -i :{port} shows" in done.stderr
        assert "BODYWORK_SERVICE_PORT" in done.stderr
        assert "step 1" not in done.stdout

    def test_unless_the_service_reads_its_port(self, project: Path) -> None:
        script = SERVER.format(port='int(os.environ["BODYWORK_SERVICE_PORT"])')
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            stages = {"serve_it": service("serve.py", port), "ask": batch("ask.py")}
            a_repository_with(project, {"serve.py": script, "ask.py": ASK}, stages=stages)
            done = bodywork("apply", "--local", "--exit-when-done", cwd=project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"serve-it: port {port} is taken; it is at http://localhost:" in done.stdout
        assert "ask | answered 200" in done.stdout

    def test_two_services_of_a_pipeline_cannot_share_one_here(self, project: Path) -> None:
        port = a_free_port()
        a_repository_with(project, {}, stages={"one": service("one.py", port), "two": service("two.py", port)})
        done = bodywork("apply", "--local", cwd=project)
        assert done.returncode == 1
        assert f"two: port {port} is taken by one" in done.stderr
        assert "lsof" not in done.stderr, "nobody else has it"

    def test_who_listens_at_localhost_only_is_told_what_a_cluster_would_make_of_it(self, project: Path) -> None:
        port = a_free_port()
        script = SERVER.format(port=port).replace("0.0.0.0", "127.0.0.1")
        a_repository_with(project, {"serve.py": script}, stages={"serve": service("serve.py", port, seconds=2)})
        done = bodywork("apply", "--local", cwd=project)
        assert done.returncode == 70
        assert "it listens at localhost only" in done.stdout


def test_a_service_that_ends_again_and_again_has_failed(project: Path) -> None:
    port = a_free_port()
    a_repository_with(project, {"serve.py": "print('no model'); raise SystemExit(1)"}, stages={"serve": service("serve.py", port)})
    done = bodywork("apply", "--local", cwd=project)
    assert done.returncode == 4
    assert "the container exited with code 1, 3 times" in done.stdout


class TestWorkingTree:
    def test_what_is_not_committed_is_refused_with_a_hint(self, project: Path) -> None:
        a_repository_with(project, {"train.py": "print('old')"}, stages={"train": batch("train.py")})
        write(project / "train.py", "print('new')")
        done = bodywork("apply", "--local", cwd=project)
        assert done.returncode == 1
        assert "--working-tree" in done.stderr

    def test_it_is_run_as_it_stands(self, project: Path) -> None:
        a_repository_with(project, {"train.py": "print('old')"}, stages={"train": batch("train.py")})
        write(project / "train.py", "import new; print(new.WORD)")
        write(project / "new.py", "WORD = 'new'")
        done = bodywork("apply", "--local", "--working-tree", cwd=project)
        assert "train | new" in done.stdout
        assert "as they stand, not as in commit" in done.stderr

    def test_a_repository_without_a_commit_is_enough(self, project: Path) -> None:
        a_project(project, stages={"train": batch("train.py")})
        write(project / "train.py", "print('first')")
        done = bodywork("run", "train", "--working-tree", cwd=project)
        assert done.returncode == 1
        assert "git init" in done.stderr
        assert "pods run a commit" not in done.stderr
        subprocess.run(["git", "init", "-q", str(project)], check=True)
        done = bodywork("run", "train", "--working-tree", cwd=project)
        assert done.returncode == 0, done.stderr
        assert "train | first" in done.stdout
        assert "0000" not in done.stdout

    def test_elsewhere_it_is_refused_with_a_hint(self, project: Path) -> None:
        a_repository_with(project, {}, stages={"train": batch("train.py")})
        done = bodywork("apply", "--working-tree", cwd=project)
        assert done.returncode == 2
        assert "--working-tree: only for a run on this machine; add --local" in done.stderr


def test_a_part_of_the_run_says_what_it_skips(project: Path) -> None:
    a_repository_with(project, {"one.py": "raise SystemExit(1)"}, stages={"one": batch("one.py"), "two": batch("two.py")})
    done = bodywork("apply", "--local", "--from-step", "2", "-o", "json", cwd=project)
    assert [(each["stage"], each["result"], each["reason"]) for each in events(done)[-1]["stages"]] == [
        ("one", "skipped", "--from-step 2"),
        ("two", "succeeded", None),
    ]


class TestRunOneStage:
    def test_it_runs_without_the_others(self, project: Path) -> None:
        stages = {"prepare": batch("prepare.py"), "Train_it": batch("train.py", args=["$(HOME)", "2"])}
        a_repository_with(project, {"train.py": "import sys; print(sys.argv[1:])", "prepare.py": "raise SystemExit(1)"}, stages=stages)
        done = bodywork("run", "Train_it", project)
        assert done.returncode == 0, done.stderr
        assert "train-it | ['$(HOME)', '2']" in done.stdout

    def test_a_name_that_no_stage_has(self, project: Path) -> None:
        a_repository_with(project, {}, stages={"train": batch("train.py")})
        done = bodywork("run", "trian", project)
        assert done.returncode == 1
        assert "did you mean train?" in done.stderr

    def test_the_failure_stage_too(self, project: Path) -> None:
        stages = {"train": batch("train.py"), "alert": batch("alert.py")}
        a_repository_with(project, {"alert.py": "print('alert')"}, stages=stages, dag="train", run_on_failure="alert")
        done = bodywork("run", "alert", project)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "alert | alert" in done.stdout


class TestManifests:
    def test_a_rendered_folder_a_stream_and_what_kustomize_made_of_it(self, project: Path) -> None:
        script = "import os, sys; print('ran', os.environ['GIT_COMMIT_HASH'], sys.argv[1:])"
        repository = a_repository_with(project, {"train.py": script}, stages={"train": batch("train.py")})
        commit = repository.git("rev-parse", "HEAD")[:7]
        stream = bodywork("render", cwd=project).stdout
        assert bodywork("render", "-o", project.parent / "out", cwd=project).returncode == 0
        from_folder = bodywork("apply", "--local", project.parent / "out", PATH=os.environ["PATH"])
        assert f"train | ran {commit} []" in from_folder.stdout, from_folder.stderr
        patched = stream.replace('- "train.py"', '- "train.py"\n            - "patched"').replace('name: "iris"', 'name: "prod"')
        from_stream = bodywork("apply", "--local", "-", stdin=patched)
        assert f"train | ran {commit} ['patched']" in from_stream.stdout, from_stream.stderr


def test_a_dry_run_shows_the_plan(project: Path) -> None:
    a_repository_with(project, {"train.py": "raise SystemExit(1)"}, stages={"train": batch("train.py")})
    done = bodywork("apply", "--local", "--dry-run=client", cwd=project)
    assert done.returncode == 0
    assert "would apply job=train" in done.stdout


def test_options_that_make_no_sense_here_are_wrong_usage_all_at_once(project: Path) -> None:
    a_repository_with(project, {}, stages={"train": batch("train.py")})
    done = bodywork("apply", "--local", "--context", "prod", "--break-lock", "--dry-run=server", "--no-prune", cwd=project)
    assert done.returncode == 2
    for option in ("--context", "--break-lock", "--dry-run=server", "--no-prune"):
        assert option in done.stderr


def test_the_other_generation_runs_too(tmp_path: Path, project: Path) -> None:
    stage = "[default]\nSTAGE_TYPE=batch\nEXECUTABLE_SCRIPT=train.py\nCPU_REQUEST=0.1\nMEMORY_REQUEST_MB=10\n[batch]\nMAX_COMPLETION_TIME_SECONDS=30\nRETRIES=0\n"
    write(
        project / "bodywork.ini",
        "[default]\nPROJECT_NAME=old\nDOCKER_IMAGE=python:3.11\n[workflow]\nDAG=train\n[logging]\nLOG_LEVEL=INFO\n",
    )
    write(project / "train" / "config.ini", stage)
    write(project / "train" / "requirements.txt", "")
    write(project / "train" / "train.py", "print('v1 runs')\n")
    subprocess.run(["git", "init", "-q", str(project)], check=True)
    done = bodywork("apply", "--local", "--working-tree", project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train | v1 runs" in done.stdout


def test_a_commit_that_was_never_pushed_is_taken_from_the_repository_itself(project: Path) -> None:
    repository = a_repository_with(project, {"train.py": "print('mine')"}, stages={"train": a_batch_stage("train.py")})
    repository.has_remote("https://git.invalid/acme/iris.git")
    done = bodywork("apply", "--local", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "train | mine" in done.stdout
