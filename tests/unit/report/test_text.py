"""A run as people read it: golden logs, and what each part promises."""

import errno
import io
import time
from dataclasses import replace

import pytest
from made_runs import (
    ADDRESS,
    BAD_RUN,
    COMMIT,
    DRY_RUN,
    DRY_RUN_ENDED,
    GOOD_RUN,
    NOT_SERVED,
    REASON,
    SERVED,
    STARTED,
    TRAINED,
    Clock,
    changed,
    ended,
    printed,
    shown,
)

from bodywork_compiler.report import Commands, View, choose, stage_logs
from bodywork_compiler.report.output import Output
from bodywork_compiler.runner import events as run

BEGINNING = f"""\
2020-11-24 20:04:15,679 - INFO - run - iris at 3f2a9c1 (main) → context kind-dev, namespace iris
2020-11-24 20:04:15,779 - INFO - run.step - step 1/2: train-model
2020-11-24 20:04:15,879 - INFO - run.step - creating job=train-model in namespace=iris
{"-" * 100}
---- pod logs for train-model
{"-" * 100}
fetched 3f2a9c1
R² = 0.97
2020-11-24 20:04:15,979 - INFO - run.step - completed job=train-model after 41 s, attempt 1
2020-11-24 20:04:16,079 - INFO - run.step - step 2/2: scoring-service
2020-11-24 20:04:16,179 - INFO - run.step - updating deployment=scoring-service in namespace=iris
"""
GOOD = (
    BEGINNING
    + """\
2020-11-24 20:04:16,279 - INFO - run.step - available deployment=scoring-service after 24 s

iris 3f2a9c1 is deployed to iris                                      1 min 12 s
  step 1  train-model      Job         succeeded  41 s
  step 2  scoring-service  Deployment  available  24 s
          http://scoring-service.iris.svc.cluster.local:5000
Look: bodywork status --namespace iris ·
  bodywork logs scoring-service --namespace iris · kubectl proxy, then
  http://localhost:8001/api/v1/namespaces/iris/services/scoring-service/proxy/
"""
)
BAD_END = """\
✗ scoring-service (step 2) failed: the container exited with code 1, 3 times
    pod scoring-service-77b4d-9kqpl, attempt 3, exit code 1, last lines:
      Traceback (most recent call last):
        File "service.py", line 31, in <module>
      FileNotFoundError: model.joblib
    events: BackOff restarting failed container (x4)
  rolled back scoring-service to revision 6 (commit 9d0c7aa), available after 4 s

iris 3f2a9c1 failed in iris                                           1 min 12 s
  step 1  train-model      Job         succeeded  41 s
  step 2  scoring-service  Deployment  failed     38 s  rolled back
After mending: bodywork apply --from-step 2
"""
BAD = (
    BEGINNING
    + """\
2020-11-24 20:04:16,279 - INFO - run.step - waiting for deployment=scoring-service since 3 s: no node has 2 CPUs free: 0/1 nodes are available
2020-11-24 20:04:16,379 - ERROR - run.step - failed deployment=scoring-service after 38 s: the container exited with code 1, 3 times
"""
    + BAD_END
)


def test_a_good_run_without_a_terminal():
    assert shown(GOOD_RUN) == GOOD


def test_a_bad_run_says_what_why_what_was_done_and_what_to_do():
    assert shown(BAD_RUN) == BAD


def test_the_log_is_in_local_time(monkeypatch):
    monkeypatch.setenv("TZ", "CET-1")
    time.tzset()
    assert shown([STARTED]).startswith("2020-11-24 21:04:15,679 - INFO")


@pytest.mark.parametrize("event", [*GOOD_RUN, *BAD_RUN], ids=lambda event: type(event).__name__)
def test_lines_of_our_own_fit_in_80_columns_but_for_the_log(event):
    if isinstance(event, run.Evidence | run.RunEnded):
        assert max(map(len, shown([event]).splitlines())) <= 80


class TestStageLogs:
    def test_on_a_terminal_each_line_comes_at_once_behind_its_stage(self):
        lines = shown([printed("one"), printed("two", container="install")], log_style="live").splitlines()
        assert lines == ["train-model | one", "train-model install | two"]

    def test_live_and_replay_can_be_asked_for_anywhere(self):
        assert shown([printed("one")], log_style="live") == "train-model | one\n"
        assert shown([printed("one")], log_style="replay", terminal=True) == ""

    def test_replayed_logs_of_stages_side_by_side_do_not_mix_and_come_as_their_pods_end(self):
        events = [
            printed("a1", stage="a", pod="a-1"),
            printed("b1", stage="b", pod="b-1"),
            printed("a2", stage="a", pod="a-1"),
            printed("b2", stage="b", pod="b-1"),
            run.LogEnded(stage="b", pod="b-1"),
            run.LogEnded(stage="a", pod="a-1"),
        ]
        assert [line for line in shown(events).splitlines() if not line.startswith("---------")] == [
            "---- pod logs for b",
            "b1",
            "b2",
            "---- pod logs for a",
            "a1",
            "a2",
        ]

    def test_a_replay_names_the_object_and_the_attempt(self):
        stage = run.StagePlan(step=1, stage="train", kind="Job", name="product--train")
        events = [
            replace(STARTED, stages=(stage,)),
            printed("again", stage="train", attempt=2),
            run.LogEnded(stage="train", pod="train-model-x2x8z"),
        ]
        assert "\n---- pod logs for product--train (attempt 2)\n" in shown(events)

    def test_a_log_that_could_not_be_read_to_its_end_says_so(self):
        events = [printed("one"), run.LogEnded(stage="train-model", pod="train-model-x2x8z", complete=False)]
        assert shown(events).endswith("one\n(the rest of this log could not be read)\n")
        assert shown(events, log_style="live").endswith("train-model | (the rest of this log could not be read)\n")

    def test_a_log_that_could_not_be_read_at_all_says_so(self):
        assert "could not be read" in shown([run.LogEnded(stage="train-model", pod="p", complete=False)])

    def test_a_service_logs_on_so_its_lines_come_when_it_is_available(self):
        text = shown([printed("listening", stage="scoring-service", pod="s-1"), SERVED])
        assert text.index("listening") < text.index("available deployment=scoring-service")

    def test_lines_of_pods_that_never_ended_are_shown_at_the_runs_end(self):
        assert "half a line" in shown([printed("half a line"), ended("interrupted")])

    def test_a_long_log_is_kept_out_of_memory_and_none_of_it_is_lost(self):
        lines = [f"line {number} " + "é" * 100 for number in range(20_000)]
        text = shown([*map(printed, lines), run.LogEnded(stage="train-model", pod="train-model-x2x8z")])
        assert text.splitlines()[3:] == lines

    def test_the_whole_log_comes_before_the_evidence_that_quotes_it(self):
        line = printed("about to fail", stage="s", pod="s-1")
        text = shown([line, run.Evidence(step=1, stage="s", reason="it failed")])
        assert text.index("about to fail") < text.index("it failed")


class TestProgress:
    def progress(self, message, seconds):
        return run.StageProgress(step=1, stage="train-model", message=message, seconds=seconds)

    def test_what_every_stage_goes_through_is_told_when_it_takes_long(self):
        text = shown([STARTED, *(self.progress("running (pod x)", seconds) for seconds in (1.0, 29.0, 31.0, 40.0, 62.0))])
        assert [line.partition("run.step - ")[2] for line in text.splitlines()[1:]] == [
            "waiting for job=train-model since 31 s: running (pod x)",
            "waiting for job=train-model since 1 min 2 s: running (pod x)",
        ]

    @pytest.mark.parametrize(
        "message", ["attempt 2 of 3: running (pod x)", "ending: x", "waiting for a node", "installing requirements (pod x)"]
    )
    def test_the_usual_is_told_at_level_debug(self, message):
        assert shown([self.progress(message, 1.0)]) == ""
        assert message in shown([self.progress(message, 1.0)], log_level="DEBUG")

    @pytest.mark.parametrize("message", ["waiting: no node has 1000 CPUs free: 0/1", "attempt 1 of 3 is over: x", "paused"])
    def test_what_is_out_of_the_usual_is_told_at_once(self, message):
        assert message.removeprefix("waiting: ") in shown([self.progress(message, 1.0)])


class TestLogLevel:
    def test_it_is_a_threshold(self):
        notices = [run.Notice(message=level.lower(), level=level) for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")]
        for at, level in enumerate(notices):
            said = [line.rpartition(" - ")[2] for line in shown(notices, log_level=level.level).splitlines()]
            assert said == [each.message for each in notices[at:]]

    def test_debug_tells_what_did_not_change(self):
        assert shown([changed("x", "Service", step=2, action="unchanged")]) == ""
        assert "DEBUG - run.step - unchanged service=x in namespace=iris" in shown(
            [changed("x", "Service", step=2, action="unchanged")], log_level="DEBUG"
        )

    def test_results_logs_and_evidence_are_shown_at_every_level(self):
        text = shown(BAD_RUN, log_level="CRITICAL")
        assert text.endswith(BAD_END)
        assert "R² = 0.97" in text
        assert " - ERROR - " not in text

    @pytest.mark.parametrize(
        ("result", "level"), [("available", "INFO"), ("stopped", "WARNING"), ("failed", "ERROR"), ("timed out", "ERROR")]
    )
    def test_an_end_is_as_loud_as_it_is_bad(self, result, level):
        assert f" - {level} - run.step - {result} " in shown([replace(SERVED, result=result)])


class TestSummary:
    def test_a_pipeline_of_batch_stages_only_is_not_deployed(self):
        assert shown([ended(stages=(TRAINED,))]).splitlines()[1].startswith("iris 3f2a9c1 has run in iris ")

    def test_stages_that_never_started_and_the_failure_stage_have_their_row(self):
        notify = run.StageEnded(step=3, stage="notify", kind="Job", name="notify", result="succeeded", seconds=3.0)
        waiting = replace(NOT_SERVED, result="not started", seconds=0.0)
        events = [
            STARTED,
            run.StepStarted(step=3, stages=("notify",)),
            notify,
            ended("failed", stages=(replace(TRAINED, result="timed out"), waiting), reason="x"),
        ]
        rows = shown(events).splitlines()
        assert rows[1].endswith(" - on failure: notify")
        assert rows[4:] == [
            "iris 3f2a9c1 failed in iris                                           1 min 12 s",
            "  x",
            "  step 1      train-model      Job         timed out    41 s",
            "  step 2      scoring-service  Deployment  not started",
            "  on failure  notify           Job         succeeded     3 s",
        ]

    def test_long_names_have_a_line_of_their_own_and_are_never_cut(self):
        long = "a-stage-whose-name-is-as-long-as-kubernetes-allows-for-an-objec"
        assert len(long) == 63
        lines = shown([ended(stages=(replace(SERVED, stage=long, seconds=45_296.0), TRAINED))]).splitlines()
        assert max(map(len, lines)) <= 80
        assert lines[2:6] == [
            f"  step 2  {long}",
            "          Deployment  available  12 h 35 min",
            f"          {ADDRESS}",
            "  step 1  train-model                         Job         succeeded         41 s",
        ]

    @pytest.mark.parametrize(
        ("event", "line"),
        [
            (
                run.RolledBack(stage="s", name="s", revision=None, seconds=1.0, complete=True),
                "  removed s, whose first deployment this was",
            ),
            (
                run.RolledBack(stage="s", name="s", revision=6, seconds=90.0, complete=False, message="not available"),
                "  NOT rolled back: s: tried to revision 6 for 1 min 30 s (not available)",
            ),
        ],
    )
    def test_a_rollback_says_what_became_of_the_service(self, event, line):
        assert shown([event]) == f"{line}\n"

    def test_a_short_address_stands_in_the_row(self):
        assert "24 s  http://s.n:80" in shown([ended(stages=(replace(SERVED, address="http://s.n:80"),))])

    def test_a_reason_that_says_no_more_than_the_result_is_left_out(self):
        assert shown([ended("interrupted", stages=(), reason="interrupted")]).count("interrupted") == 1

    def test_a_reason_that_no_evidence_has_said_is_shown(self):
        events = [run.Evidence(step=1, stage="s", reason="it failed", look_further=("look",))]
        assert "\n  and then this\n" in shown([*events, ended("failed", reason="and then this")])
        assert shown([*events, ended("failed", reason="s (step 1): it failed")]).count("it failed") == 1

    def test_a_run_that_was_interrupted_says_so_and_why(self):
        text = shown([ended("interrupted", stages=(), reason="SIGINT", git_commit=None)])
        assert text.splitlines()[1:] == ["iris was interrupted in iris                                          1 min 12 s", "  SIGINT"]


class TestColour:
    def test_it_is_for_terminals(self):
        assert "\x1b[31m" in shown(BAD_RUN, terminal=True)
        assert "\x1b" not in shown(BAD_RUN)

    @pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"CI": "true"}, {"TERM": "dumb"}])
    def test_and_not_where_it_is_unwanted(self, environ):
        assert "\x1b" not in shown([*BAD_RUN, printed("\x1b[1mbold\x1b[0m")], terminal=True, environ=environ)


class _Full(io.TextIOWrapper):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")


class _Cramped(io.BytesIO):
    """A file with room for three lines; of what comes then it takes a part."""

    def __init__(self, **_):
        super().__init__()

    def write(self, text):
        room = 24 - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text[:room])


class TestStreams:
    def test_a_reader_that_goes_away_does_not_end_the_run(self, tmp_path):
        class Gone(io.TextIOWrapper):
            tries = 0

            def write(self, text):
                type(self).tries += 1
                raise BrokenPipeError

        with Gone((tmp_path / "out").open("wb")) as stream:
            show = choose(View(), stream, environ={}, clock=Clock())
            for event in GOOD_RUN:
                show(event)
        assert Gone.tries == 1

    def test_a_full_disk_does_not_end_the_run_either_and_is_said_once(self, tmp_path, capsys):
        with _Full((tmp_path / "out").open("wb")) as stream:
            show = choose(View(), stream, environ={}, clock=Clock())
            for event in GOOD_RUN:
                show(event)
        assert capsys.readouterr().err == "bodywork: the log is written no further: No space left on device\n"

    def test_what_is_no_run_says_that_it_could_not_be_written(self, tmp_path):
        with _Full((tmp_path / "out").open("wb")) as stream, pytest.raises(OSError, match="No space left"):
            Output(stream, environ={}).line("its status")

    def test_logs_that_find_no_room_on_the_disk_are_kept_in_memory(self, monkeypatch):
        monkeypatch.setattr(stage_logs, "IN_MEMORY_CHARACTERS", 10)
        monkeypatch.setattr(stage_logs, "TemporaryFile", _Cramped)
        lines = [f"line {number}" for number in range(12)]
        kept = stage_logs.Spool()
        for line in lines:
            kept.add(line)
        assert list(kept.drain()) == lines

    def test_an_encoding_without_our_marks_is_no_crash(self):
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        show = choose(View(), stream, environ={}, clock=Clock())
        for event in (*BAD_RUN, printed("日本"), ended("interrupted")):
            show(event)
        text = stream.buffer.getvalue().decode("ascii")
        assert "x scoring-service (step 2) failed" in text
        assert "\\u65e5\\u672c" in text

    def test_an_event_is_readable_as_soon_as_it_was_told(self, tmp_path):
        path = tmp_path / "log"
        with path.open("w", encoding="utf-8") as stream:
            choose(View(), stream, environ={}, clock=Clock())(run.Notice(message="at once"))
            assert "at once" in path.read_text(encoding="utf-8")


def test_an_event_that_nobody_can_show_is_a_bug():
    with pytest.raises(TypeError, match="no way to show"):
        shown(["what"])


def test_the_commit_is_never_shown_shorter_than_seven():
    assert COMMIT[:7] in shown([ended()])


def test_a_refusal_is_a_problem_which_stderr_tells():
    assert shown([ended("refused", exit_code=1, reason="jobs.batch is forbidden")]) == ""


def test_a_service_that_stood_without_a_number_is_said_to_be_back():
    back = run.RolledBack(stage="s", name="serve", revision=0, seconds=3.0, complete=True)
    assert "rolled back serve, available after" in shown([back])


def test_a_dry_run_says_what_would_be_done_and_what_is_refused():
    assert (
        shown(DRY_RUN)
        == """\
2020-11-24 20:04:15,679 - INFO - run - iris at 3f2a9c1 (main) → context kind-dev, namespace iris
2020-11-24 20:04:15,779 - INFO - run.step - step 1/2: train-model
2020-11-24 20:04:15,879 - INFO - run.step - would create job=train-model in namespace=iris
2020-11-24 20:04:15,979 - INFO - run.step - step 2/2: scoring-service
2020-11-24 20:04:16,079 - ERROR - run.step - refused deployment=scoring-service in namespace=iris: unknown field "imge"

iris: dry run of 2 objects for iris: 1 refused, nothing was changed
"""
    )


def test_a_dry_run_that_asks_nobody_says_so():
    text = shown([replace(DRY_RUN_ENDED, dry_run="client", exit_code=0, refused=0)])
    assert text.endswith("the server was not asked, nothing was changed\n")


def test_a_stage_that_was_not_undone_is_told_with_what_shows_more_of_it():
    text = shown([event for event in BAD_RUN if not isinstance(event, run.RolledBack)])
    assert text.endswith(
        "More: kubectl -n iris logs deployment/scoring-service --all-containers ·\n"
        "  kubectl -n iris describe pods · after mending: bodywork apply --from-step 2\n"
    )


def test_a_run_goes_on_where_the_first_of_its_services_was_taken_back():
    """Of --rollback all: what is left out next time must still stand."""
    serve, train = replace(SERVED, step=2), replace(TRAINED, step=3, result="failed", reason=REASON)
    back = run.RolledBack(stage=serve.stage, name=serve.name, revision=None, seconds=1.0, complete=True)
    failed = run.Evidence(step=3, stage=train.stage, reason=REASON)
    stages = (replace(TRAINED, stage="prepare", name="prepare"), serve, train)
    text = shown([STARTED, failed, train, back, ended("failed", exit_code=4, stages=stages, reason=REASON)])
    assert text.endswith("After mending: bodywork apply --from-step 2\n")


def test_a_stage_that_was_left_out_is_said_with_the_reason_and_has_no_time():
    skipped = replace(TRAINED, result="skipped", seconds=0.0, reason="--from-step 2")
    text = shown([STARTED, skipped, ended("succeeded", stages=(skipped, SERVED))])
    assert " - INFO - run.step - skipped job=train-model: --from-step 2\n" in text
    assert "Job         skipped\n" in text


def test_what_is_proposed_leads_to_the_same_project_and_cluster():
    commands = Commands(apply="bodywork apply manifests/ --namespace=iris", cluster=" --context=dev --kubeconfig=other")
    assert shown(BAD_RUN, commands=commands).endswith(
        "After mending: bodywork apply manifests/ --namespace=iris --from-step 2 --context=dev --kubeconfig=other\n"
    )
    good = shown(GOOD_RUN, commands=commands)
    for command in ("bodywork status --namespace iris", "bodywork logs scoring-service --namespace iris", "kubectl proxy"):
        assert f"{command} --context=dev --kubeconfig=other" in good


def test_a_run_whose_first_step_failed_begins_again_at_the_first():
    stages = (replace(TRAINED, result="failed"), replace(NOT_SERVED, result="not started"))
    assert "bodywork apply\n" in shown([*(event for event in BAD_RUN if isinstance(event, run.Evidence)), ended("failed", stages=stages)])
