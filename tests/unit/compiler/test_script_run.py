"""The main container's start script: runs a stage in its folder, bounds its time, tells how it ended."""

import json
import os
import signal
import sys

import pytest
from project_values import HOSTILE
from secret_forms import ODD, PRINTS, leaks

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


SECRET = {"BODYWORK_SECRET_VARIABLES": "TOKEN", "TOKEN": "hunter2"}


class TestSecrets:
    """What the stage prints goes through the supervisor, where variables hold secrets."""

    def test_their_values_are_masked_in_every_form(self, workspace):
        workspace.has("main.py", PRINTS)
        names = {"BODYWORK_SECRET_VARIABLES": "A B", "A": ODD, "B": "ghp_0123456789"}
        ended = workspace.run("run", "main.py", PYTHONUNBUFFERED="1", **names)
        assert ended.code == 0, ended.stdout
        assert leaks(ended.stdout + ended.stderr, ODD, "ghp_0123456789") == []
        assert ended.stdout.endswith("all is printed\n")

    def test_each_line_comes_when_it_was_printed(self, workspace):
        workspace.has("main.py", "print('TOKEN is hunter2', flush=True); input(); print('over')")
        with workspace.start("run", "main.py", **SECRET) as process:
            assert process.stdout.readline() == "TOKEN is ***\n"
            process.kill()
            process.communicate()

    def test_order_is_kept_and_the_last_words_come(self, workspace):
        workspace.has(
            "main.py", "import sys\nfor n in range(3): print(n); print(n, file=sys.stderr, flush=True)\nsys.exit('no end of line')"
        )
        ended = workspace.run("run", "main.py", PYTHONUNBUFFERED="1", **SECRET)
        assert (ended.code, ended.stdout.split("\n")) == (1, [*"001122", "no end of line", ""])
        workspace.has("main.py", "import os; os.write(1, b'ends with hunter2'); os.kill(os.getpid(), 9)")
        ended = workspace.run("run", "main.py", **SECRET)
        assert (ended.code, ended.stdout) == (137, "ends with ***")

    def test_much_is_passed_on_whole(self, workspace):
        workspace.has("main.py", "import os\nfor n in range(200): os.write(1, b'x' * 65536)\nos.write(1, b'hunter2')")
        ended = workspace.run("run", "main.py", **SECRET)
        assert (ended.code, len(ended.stdout), ended.stdout[-4:]) == (0, 200 * 65536 + 3, "x***")

    def test_signals_reach_it(self, workspace):
        workspace.has(
            "main.py",
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit('cleaned up hunter2'))\n"
            "print('ready', flush=True)\n"
            "time.sleep(600)\n",
        )
        with workspace.start("run", "main.py", **SECRET) as process:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(signal.SIGTERM)
            printed, _ = process.communicate(timeout=60)
        assert (process.returncode, printed) == (1, "cleaned up ***\n")

    def test_its_time_is_bounded(self, workspace):
        workspace.has("main.py", "import time; print('begun', flush=True); time.sleep(600)")
        ended = workspace.run("run", "main.py", BODYWORK_TIME_LIMIT_SECONDS="1", **SECRET)
        assert (ended.code, ended.stdout) == (labels.EXIT_TIMED_OUT, "begun\n")

    @pytest.mark.parametrize("does", ["time.sleep(600)", "[print('x' * 1000) for _ in iter(int, 1)]"])
    def test_a_program_that_has_left_its_group_holds_nobody_up(self, workspace, does):
        """In a pod it ends with its container."""
        daemon = f"import os, sys, time; print(os.getpid(), flush=True); os.write(int(sys.argv[1]), b'.'); {does}"
        starts = f"subprocess.Popen([sys.executable, '-c', {daemon!r}, str(w)], start_new_session=True, pass_fds=[w])"
        workspace.has("main.py", f"import os, subprocess, sys; r, w = os.pipe(); {starts}; os.read(r, 1)")
        with workspace.start("run", "main.py", **SECRET) as process:
            daemon_id = int(process.stdout.readline())
            while process.stdout.read(1000) and process.poll() is None:
                pass
            assert process.wait(timeout=60) == 0
            os.kill(daemon_id, signal.SIGKILL)

    def test_orphans_are_reaped_and_many_children_too(self, workspace):
        workspace.has("main.py", "import subprocess, sys\nfor _ in range(20): subprocess.run(['sh', '-c', 'true & true'])\nsys.exit(7)")
        assert workspace.run("run", "main.py", **SECRET).code == 7

    def test_a_stage_that_closes_its_output_runs_on(self, workspace):
        workspace.has("main.py", "import os, time; os.write(1, b'hunter2'); os.close(1); os.close(2); time.sleep(0.2); os._exit(5)")
        ended = workspace.run("run", "main.py", **SECRET)
        assert (ended.code, ended.stdout) == (5, "***")

    def test_a_log_that_nobody_takes_is_told_to_the_stage(self, workspace):
        workspace.has("main.py", "import os\nwhile True: os.write(1, b'x' * 1000)")
        with workspace.start("run", "main.py", **SECRET) as process:
            process.stdout.read(1000)
            process.stdout.close()
            process.stdout = None
            process.communicate(timeout=60)
        assert process.returncode == 1  # Python ends so by BrokenPipeError

    @pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
    def test_without_secrets_the_stage_writes_to_the_log_itself(self, workspace):
        workspace.has("main.py", "import os; print(os.readlink('/proc/self/fd/1') == os.readlink(f'/proc/{os.getppid()}/fd/1'))")
        assert workspace.run("run", "main.py").stdout == "True\n"
        assert workspace.run("run", "main.py", **SECRET).stdout == "False\n"
