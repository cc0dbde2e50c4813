"""The main container's start script: runs a stage in its folder, bounds its time, tells how it ended."""

import json
import os
import signal

import pytest
from project_values import HOSTILE

from bodywork_compiler import labels

SHOW = "import json, os, sys; print(json.dumps([sys.argv, os.getcwd(), sys.path, dict(os.environ)]))"


def test_a_script_runs_in_its_own_folder_with_its_arguments(workspace):
    workspace.has("models/train/main.py", SHOW)
    values = [value for value in HOSTILE if "\0" not in value]
    ended = workspace.run("run", "models/train/main.py", *values)
    argv, folder, _, _ = json.loads(ended.stdout)
    assert ended.code == 0
    assert argv == ["main.py", *values]
    assert folder == str(workspace.project / "models/train")


def test_modules_are_found_in_the_projects_folder_before_the_repositorys(workspace):
    workspace.has("iris/train/main.py", "import both, mine, root; print(both.here, mine.here, root.here)")
    workspace.has("iris/both.py", "here = 'project'")
    workspace.has("iris/mine.py", "here = 'project'")
    workspace.has("both.py", "here = 'repository'")
    workspace.has("root.py", "here = 'repository'")
    ended = workspace.run("run", "train/main.py", BODYWORK_FOLDER="iris")
    assert ended.stdout.split() == ["project", "project", "repository"]


def test_a_pythonpath_of_the_users_own_stays(workspace):
    workspace.has("main.py", SHOW)
    ended = workspace.run("run", "main.py", PYTHONPATH="/mine")
    assert json.loads(ended.stdout)[3]["PYTHONPATH"].split(os.pathsep) == [str(workspace.project), "/mine"]


@pytest.mark.parametrize("code", [0, 3, 124])
def test_the_stages_exit_code_is_the_containers(workspace, code):
    workspace.has("main.py", f"raise SystemExit({code})")
    assert workspace.run("run", "main.py", BODYWORK_TIME_LIMIT_SECONDS="60").code == code
    assert workspace.termination_message is None


def test_running_out_of_memory_stays_137(workspace):
    workspace.has("main.py", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert workspace.run("run", "main.py").code == 137
    assert workspace.termination_message is None


def test_a_stage_whose_time_is_over_is_ended_and_says_so(workspace):
    workspace.has("main.py", "import time; print('begun', flush=True); time.sleep(600)")
    ended = workspace.run("run", "main.py", BODYWORK_TIME_LIMIT_SECONDS="1")
    assert (ended.code, ended.stdout) == (labels.EXIT_TIMED_OUT, "begun\n")
    assert workspace.termination_message == "took longer than 1 s"
    assert workspace.termination_message.startswith(labels.TIMED_OUT_MESSAGE)
    assert ended.last_line == "bodywork: the stage took longer than 1 s"


def test_a_stage_that_will_not_end_is_killed(workspace):
    workspace.has("main.py", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)")
    ended = workspace.run("run", "main.py", settings="script.SECONDS_TO_STOP = 1", BODYWORK_TIME_LIMIT_SECONDS="1")
    assert ended.code == labels.EXIT_TIMED_OUT
    assert workspace.termination_message == "took longer than 1 s"


@pytest.mark.parametrize("limit", ["", "0"])
def test_without_a_limit_nothing_is_bounded(workspace, limit):
    workspace.has("main.py", "import signal; print(signal.alarm(0), signal.getitimer(signal.ITIMER_REAL)[0])")
    with workspace.start("run", "main.py", settings="import signal; signal.alarm = lambda s: s and 1 / 0") as process:
        assert process.communicate(timeout=60)[0].split() == ["0", "0.0"]
    assert process.returncode == 0


def test_a_stage_may_clean_up_when_its_pod_is_deleted(workspace):
    workspace.has(
        "main.py",
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit('cleaned up'))\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n",
    )
    with workspace.start("run", "main.py") as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=60)
    assert (process.returncode, printed) == (1, "cleaned up\n")


def test_what_a_stage_prints_keeps_its_order_on_one_stream(workspace):
    workspace.has("main.py", "import sys\nfor n in range(3): print(n); print(n, file=sys.stderr, flush=True)\n")
    ended = workspace.run("run", "main.py", PYTHONUNBUFFERED="1")
    assert (ended.stdout.split(), ended.stderr) == (list("001122"), "")


def test_a_stage_that_does_not_care_ends_at_once_when_its_pod_is_deleted(workspace):
    workspace.has("main.py", "import time; print('ready', flush=True); time.sleep(600)")
    with workspace.start("run", "main.py") as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def test_what_a_stage_left_behind_ends_with_it(workspace):
    workspace.has("main.py", "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])")
    # the child holds our end of stdout open: only its end lets this return
    assert workspace.run("run", "main.py").code == 0


def test_a_file_that_is_not_there_is_named(workspace):
    workspace.has("other.py")
    ended = workspace.run("run", "train/main.py")
    assert (ended.code, ended.last_line) == (2, "bodywork: there is no file train/main.py in the project")


def test_arguments_of_a_notebook_are_in_its_environment(workspace):
    workspace.has("look.ipynb", "{}")
    python = workspace.path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$2"\necho "$BODYWORK_ARGS"\n')
    python.chmod(0o755)
    ended = workspace.run("run", "look.ipynb", "a", 'b "c"')
    assert ended.stdout.splitlines() == ["look.ipynb", '["a", "b \\"c\\""]']
