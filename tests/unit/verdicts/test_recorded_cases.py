"""Each recorded case: how it ends, when (seconds of the recording), and what is said."""

import pytest
from recordings import RECORDED_SECONDS, Replay, cases

from bodywork_compiler import labels

MISSING_REGISTRY = "dial tcp: lookup {} on 10.0.0.53:53: no such host"
HUB = "waiting: image bodyworkml/does-not-exist:1 cannot be pulled yet: " + MISSING_REGISTRY.format("registry-1.docker.io")
NO_CPUS = "waiting: no node has 1000 CPUs free: 0/1 nodes are available: 1 Insufficient cpu"
OUT_OF_MEMORY = "the container was killed: it needed more memory than its limit of 50Mi"
UNBOUNDED = "; no limit of time is set"
NEVER_ENDS = RECORDED_SECONDS - 1.0

ENDS = [
    # Jobs: good as soon as the wanted pods have succeeded, failed by the condition Failed only
    ("ok", 5.02, "good", 1, ""),
    ("fail-r2", 34.05, "failed", 3, "the container exited with code 1, 3 times"),
    ("third", 34.05, "good", 3, ""),
    ("oom", 6.18, "failed", 1, OUT_OF_MEMORY),
    ("oomchild", 6.18, "failed", 1, OUT_OF_MEMORY),
    ("deadline", 8.97, "timed out", 1, "took longer than 5 s, all attempts together"),
    ("deadline-r3", 14.47, "timed out", 1, "took longer than 15 s, all attempts together"),
    # doomed: no deadline is waited for
    ("imagename", 2.29, "failed", 1, "image Bad_Name:@@ has an impossible name"),
    ("nosecret", 2.16, "failed", 1, 'secret "nope" not found'),
    ("nosecretkey", 2.23, "failed", 1, "couldn't find key nokey in Secret proto-e/sec"),
    ("nosecretvol", 0.40, "failed", 1, 'secret "nope" not found'),
    ("nosa", 6.0, "failed", 1, 'its pods are refused: error looking up service account proto-e/ghost: serviceaccount "ghost" not found'),
    # not doomed: a registry may come back, a node may be on its way
    (
        "noimage",
        NEVER_ENDS,
        "running",
        1,
        "waiting: image nosuch.example.invalid/x:1 cannot be pulled yet: "
        + MISSING_REGISTRY.format("nosuch.example.invalid")
        + " (pod noimage-d65gg)"
        + UNBOUNDED,
    ),
    ("noimage-hub", NEVER_ENDS, "running", 1, f"{HUB} (pod noimage-hub-dgdbv){UNBOUNDED}"),
    ("unsched", NEVER_ENDS, "running", 1, f"{NO_CPUS}{UNBOUNDED}"),
    # Deployments
    ("d-ok", 3.65, "good", 1, ""),
    ("d-zero", 1.32, "good", 1, ""),
    ("d-crash-late", 3.64, "good", 1, ""),
    ("d-crash", 20.88, "failed", 1, "the container exited with code 1, 3 times"),
    # the progress deadline of 20 s is only the net
    (
        "d-exit0",
        21.47,
        "failed",
        1,
        "made no progress for 20 s: the container exited with code 0; it is started again (pod d-exit0-67d4bfc786-b85x2)",
    ),
    ("d-never", 21.47, "timed out", 1, "made no progress for 20 s: running, not ready yet (pod d-never-6c6bd957fc-rgwqp)"),
    ("d-startup", 22.47, "timed out", 1, "made no progress for 20 s: running, not ready yet (pod d-startup-78b84744f9-9wzwn)"),
    ("d-noimage", 21.47, "timed out", 1, f"made no progress for 20 s: {HUB} (pod d-noimage-6bf6b64649-t9szg)"),
    ("d-unsched", 21.47, "timed out", 1, f"made no progress for 20 s: {NO_CPUS}"),
]


def test_every_recorded_case_has_a_row():
    assert sorted(row[0] for row in ENDS) == cases()


@pytest.mark.parametrize(("case", "seconds", "state", "attempts", "message"), ENDS, ids=[row[0] for row in ENDS])
def test_a_recorded_case_ends_at_its_moment_and_says_why(case, seconds, state, attempts, message):
    at, verdict = Replay(case).end()
    assert (round(at, 2), verdict.state, verdict.attempts, verdict.message) == (seconds, state, attempts, message)


@pytest.mark.parametrize(
    ("case", "limit", "seconds", "message"),
    [
        ("d-never", "10", 14.0, "took longer than 10 s to answer (pod d-never-6c6bd957fc-rgwqp)"),
        (
            "d-startup",  # its startup probe restarts it: the clock runs on from the first start
            "10",
            14.0,
            "took longer than 10 s to answer (pod d-startup-78b84744f9-9wzwn)",
        ),
    ],
)
def test_a_service_has_as_long_as_its_config_says_from_the_first_start_of_its_own_code(case, limit, seconds, message):
    at, verdict = Replay(case, {labels.MAX_STARTUP: limit}).end()
    assert (at, verdict.state, verdict.message) == (seconds, "timed out", message)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        (
            "ok",
            [
                "waiting for its pod",
                "waiting for a node (pod ok-262lt)",
                "waiting for its containers (pod ok-262lt)",
                "running (pod ok-262lt)",
                "ending (pod ok-262lt)",
            ],
        ),
        (
            "third",
            [
                "waiting for its pod",
                "waiting for a node (pod third-kjngq)",
                "waiting for its containers (pod third-kjngq)",
                "ending: the container exited with code 1 (pod third-kjngq)",
                "attempt 1 of 3 is over: the container exited with code 1; the next follows",
                "attempt 2 of 3: waiting for a node (pod third-2mlsf)",
                "attempt 2 of 3: waiting for its containers (pod third-2mlsf)",
                "attempt 2 of 3: ending: the container exited with code 1 (pod third-2mlsf)",
                "attempt 2 of 3 is over: the container exited with code 1; the next follows",
                "attempt 3 of 3: waiting for a node (pod third-9mqvq)",
                "attempt 3 of 3: waiting for its containers (pod third-9mqvq)",
                "attempt 3 of 3: ending (pod third-9mqvq)",
            ],
        ),
        (
            "oom",
            [
                "waiting for its pod",
                "waiting for a node (pod oom-jf8b8)",
                "waiting for its containers (pod oom-jf8b8)",
                f"ending: {OUT_OF_MEMORY} (pod oom-jf8b8)",
                f"ending: {OUT_OF_MEMORY}",
                "ending: its pods are being ended, it has failed",
            ],
        ),
        (
            "d-noimage",
            [
                "waiting for the cluster to see the change",
                "waiting for a node (pod d-noimage-6bf6b64649-t9szg)",
                "waiting for its containers (pod d-noimage-6bf6b64649-t9szg)",
                "pulling image bodyworkml/does-not-exist:1 (pod d-noimage-6bf6b64649-t9szg)",
                f"{HUB} (pod d-noimage-6bf6b64649-t9szg); given up after 20 s",
            ],
        ),
    ],
)
def test_while_it_runs_a_user_is_told_what_is_waited_for(case, told):
    assert Replay(case).told() == told


def test_between_retries_a_job_is_running():
    states = {verdict.state for at, verdict in Replay("fail-r2").verdicts() if at < 34.0}
    assert states == {"running"}
