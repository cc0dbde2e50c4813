"""kubectl's command lines, its answers, and what is asked again."""

from __future__ import annotations

import signal
import stat
from pathlib import Path

import pytest

from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.kubectl import Kubectl, KubectlFailed, Result, Target, execute, failure_of
from bodywork_compiler.kubectl_errors import in_short, is_worth_another_try

REFUSED_CONNECTION = "The connection to the server 10.244.0.1:6443 was refused - did you specify the right host or port?"


@pytest.mark.parametrize(
    ("target", "words", "argv"),
    [
        (Target(), ("get", "pods"), "kubectl get pods --request-timeout=60s"),
        (Target(namespace="lab"), ("apply", "-f", "-"), "kubectl apply -f - --namespace=lab --request-timeout=60s"),
        (
            Target(context="kind-dev", kubeconfig="/k", namespace="lab"),
            ("rollout", "undo", "deployment/serve"),
            "kubectl rollout undo deployment/serve --kubeconfig=/k --context=kind-dev --namespace=lab --request-timeout=60s",
        ),
        (Target(context="c"), ("delete", "job", "a", "--request-timeout=0"), "kubectl delete job a --request-timeout=0 --context=c"),
        (Target(context="c"), ("proxy", "--unix-socket=/s"), "kubectl proxy --unix-socket=/s --context=c"),
        (Target(), ("kustomize", "overlay"), "kubectl kustomize overlay"),
    ],
)
def test_what_every_call_is_told_is_added_in_one_place(target: Target, words: tuple[str, ...], argv: str) -> None:
    assert Kubectl(target=target).argv(*words) == tuple(argv.split())


def test_a_line_for_people_can_be_copied_as_it_stands() -> None:
    line = Kubectl(target=Target(namespace="lab")).line("patch", "secret", "aws", "-p", '{"stringData": {"KEY": "VALUE"}}')
    assert line == """kubectl patch secret aws -p '{"stringData": {"KEY": "VALUE"}}' --namespace=lab"""


@pytest.mark.parametrize(
    "error",
    [
        REFUSED_CONNECTION,
        'error: error validating "STDIN": failed to download openapi: Get "https://x:6443/openapi/v2": dial tcp 1.2.3.4:6443: connect: connection refused',
        "Error from server: etcdserver: request timed out",
        "Error from server: etcdserver: leader changed",
        "Unable to connect to the server: net/http: TLS handshake timeout",
        'Get "https://1.2.3.4:6443/api": EOF',
        'error: error validating "STDIN": error validating data: Get "https://1.2.3.4:6443/openapi/v2?timeout=1m0s": EOF; if you choose to ignore these errors, turn validation off with --validate=false',
        "error: unexpected EOF",
        "Error from server (TooManyRequests): the server has received too many requests",
        "Error from server (Timeout): the server was unable to return a response in the time allotted",
        'Error from server (InternalError): Internal error occurred: failed calling webhook "v.example.com": no endpoints available',
        "Unable to connect to the server: EOF",
        'error: http2: server sent GOAWAY and closed the connection; LastStreamID=9, ErrCode=NO_ERROR, debug=""',
        "Unable to connect to the server: dial tcp: lookup k8s.example.com on 10.0.0.2:53: server misbehaving",
        'Get "https://1.2.3.4:6443/api": net/http: request canceled (Client.Timeout exceeded while awaiting headers)',
        "error: the server is currently unable to handle the request",
        "Error from server (TooManyRequests): storage is (re)initializing",
        "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
        'Error from server (Conflict): Operation cannot be fulfilled on resourcequotas "q": the object has been modified',
    ],
)
def test_what_could_not_be_asked_is_worth_another_try(error: str) -> None:
    assert is_worth_another_try(error)


@pytest.mark.parametrize(
    "error",
    [
        'Error from server (NotFound): jobs.batch "nothere" not found',
        'Error from server (Forbidden): jobs.batch is forbidden: User "me" cannot create resource "jobs"',
        'The Job "train" is invalid: spec.template: Invalid value: field is immutable',
        'Error from server (AlreadyExists): namespaces "lab" already exists',
        'Error from server (BadRequest): error when creating "STDIN": strict decoding error: unknown field "spec.imge"',
        "Error from server (Forbidden): the webhook said: connection refused",
        'error: context "nowhere" does not exist',
        "error: unable to find specified revision 99 in history",
        "",
    ],
)
def test_a_refusal_is_never_asked_again(error: str) -> None:
    assert not is_worth_another_try(error)


def test_kubectls_noise_is_left_out() -> None:
    noise = 'E1121 10:00:00.000000  1 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API group list"\n'
    assert in_short(noise * 5 + REFUSED_CONNECTION + "\n") == REFUSED_CONNECTION


class Paper:
    """Answers one result after another, and a clock that only sleeping moves."""

    def __init__(self, *results: Result) -> None:
        self.results, self.pauses, self.now = list(results), [], 0.0

    def execute(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        return self.results.pop(0) if len(self.results) > 1 else self.results[0]

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def kubectl(self, retry_seconds: float, notices: list[str] | None = None) -> Kubectl:
        notice = notices.append if notices is not None else None
        return Kubectl(execute=self.execute, clock=lambda: self.now, sleep=self.sleep, retry_seconds=retry_seconds, notice=notice)


GOOD = Result(argv=("kubectl",), out="fine")
AWAY = Result(argv=("kubectl",), err=REFUSED_CONNECTION, exit_code=1)
NO = Result(argv=("kubectl",), err="Error from server (Forbidden): no", exit_code=1)


def test_a_lost_api_server_is_asked_again_with_longer_pauses_and_said() -> None:
    paper, notices = Paper(AWAY, AWAY, AWAY, GOOD), []
    assert paper.kubectl(300, notices).run("apply", "-f", "-") == GOOD
    assert paper.pauses == [0.5, 1.0, 2.0]
    assert len(notices) == 3
    assert REFUSED_CONNECTION in notices[0]


def test_trying_again_has_an_end() -> None:
    paper = Paper(AWAY)
    with pytest.raises(KubectlFailed, match="was refused"):
        paper.kubectl(60).run("apply", "-f", "-")
    assert paper.now <= 60


def test_a_refusal_ends_it_at_once() -> None:
    paper = Paper(AWAY, NO, GOOD)
    with pytest.raises(KubectlFailed, match="no") as failed:
        paper.kubectl(300).run("apply", "-f", "-")
    assert failed.value.exit_code == 1
    assert paper.pauses == [0.5]


@pytest.mark.parametrize(
    ("result", "exit_code", "hands_off"),
    [
        (AWAY, 70, True),
        (Result(argv=("kubectl",), err="Error from server: etcdserver: request timed out", exit_code=1), 70, True),
        (Result(argv=("kubectl",), err="no end after 300 s", exit_code=-9), 70, False),
        (Result(argv=("kubectl",), exit_code=-9), 1, False),
        (NO, 1, False),
    ],
    ids=["connection refused", "etcd", "hangs", "killed", "refused"],
)
def test_what_could_not_be_asked_is_no_refusal(result: Result, exit_code: int, hands_off: bool) -> None:  # noqa: FBT001 - of the table
    failed = failure_of(result)
    assert (failed.exit_code, failed.hands_off) == (exit_code, hands_off)


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl of the test's own on the PATH; write its shell script."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    file = tmp_path / "kubectl"
    file.write_text("#!/bin/sh\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return file


def test_output_comes_whole_and_apart(program: Path) -> None:
    program.write_text("#!/bin/sh\ncat\nhead -c 5000 /dev/zero | tr '\\0' e >&2\nexit 3\n")
    text = "é" * 200_000
    result = execute(("kubectl", "apply"), text, 30)

    assert (result.out, result.err, result.exit_code) == (text, "e" * 5000, 3)


def test_the_environment_is_the_users(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.write_text('#!/bin/sh\nprintf "%s %s" "$KUBECONFIG" "$HTTPS_PROXY"\n')
    monkeypatch.setenv("KUBECONFIG", "/home/me/.kube/config")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert execute(("kubectl", "get"), None, 30).out == "/home/me/.kube/config http://proxy:3128"


def test_kubectl_gets_no_terminal(program: Path) -> None:
    program.write_text("#!/bin/sh\nif [ -t 1 ]; then echo terminal; else echo none; fi\n")
    assert execute(("kubectl", "get"), None, 30).out == "none\n"


def test_one_that_does_not_end_is_cut_off(program: Path) -> None:
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    result = execute(("kubectl", "get"), None, 0.2)
    assert result.exit_code != 0
    assert "no end after 0.2 s" in result.err


def test_one_that_runs_does_not_outlive_a_second_ctrl_c(program: Path, tmp_path: Path) -> None:
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nsleep 0.5\nkill -ALRM $PPID\nexec sleep 60\n")

    def pressed(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGALRM, pressed)
    try:
        with pytest.raises(KeyboardInterrupt):
            execute(("kubectl", "rollout", "status"), None, 60)
    finally:
        signal.signal(signal.SIGALRM, former)
    pid = int((tmp_path / "pid").read_text())
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text():
            break
        signal.sigtimedwait([], 0.01)
    else:
        pytest.fail("it runs on")


def test_one_that_was_killed_is_a_result_too(program: Path) -> None:
    program.write_text("#!/bin/sh\nkill -9 $$\n")
    assert execute(("kubectl", "get"), None, 30).exit_code == -9


def test_failing_says_kubectls_words_and_nothing_of_how_it_was_started(program: Path) -> None:
    program.write_text("#!/bin/sh\necho 'error: no way' >&2\nexit 1\n")
    with pytest.raises(KubectlFailed) as failed:
        Kubectl().run("apply", "-f", "-", "--secret-looking=argument")
    assert failed.value.message == "kubectl apply: error: no way"
    assert failed.value.__cause__ is None


def test_no_kubectl_says_where_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BodyworkError, match="kubectl is not on the PATH") as missing:
        Kubectl().run("get", "pods")
    assert missing.value.hint
    assert missing.value.__context__ is None


def test_each_line_is_shown_before_it_runs(program: Path) -> None:
    shown: list[str] = []
    Kubectl(target=Target(namespace="lab"), show=shown.append).run("get", "pods", "-l", "a in (b, c)")
    assert shown == ["kubectl get pods -l 'a in (b, c)' --namespace=lab --request-timeout=60s"]


def test_in_a_pod_kubectl_is_told_no_request_time_out(monkeypatch, tmp_path):
    """With one it would not take the pod's own account: https://github.com/kubernetes/kubectl/issues/1824."""
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    assert Kubectl().argv("get", "pods") == ("kubectl", "get", "pods")
    assert "--request-timeout=60s" in Kubectl(target=Target(context="kind-dev")).argv("get", "pods")
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.touch()
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    assert "--request-timeout=60s" in Kubectl().argv("get", "pods")


def test_without_a_kubeconfig_kubectl_goes_to_an_address_that_nobody_named_and_that_is_told_as_no_cluster():
    said = 'error: unable to recognize "STDIN": Get "http://localhost:8080/api": dial tcp 127.0.0.1:8080: connect: connection refused'
    failed = KubectlFailed(Result(argv=("kubectl", "create"), err=said, exit_code=1))
    assert failed.message == "no cluster to run on: there is no kubeconfig, or no context of it is the current one"
    assert "--kubeconfig" in str(failed.hint)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('error: invalid Kustomization: json: unknown field "resourcez"\n', 'invalid Kustomization: json: unknown field "resourcez"'),
        (
            "2026/11/28 20:00:00 well-defined vars that were never replaced: X\nError: no objects\n",
            "well-defined vars that were never replaced: X; no objects",
        ),
        (
            (
                "# Warning: 'bases' is deprecated.\nerror: accumulating resources: accumulation err='accumulating resources from 'a.yaml': "
                "missing metadata.name in object': must build at directory: '/x/a.yaml': file is not directory\n"
            ),
            "accumulating resources from 'a.yaml': missing metadata.name in object",
        ),
        (
            'E1128 20:49:36.017863   17742 run.go:72] "command failed" err="external plugins disabled; unable to load external plugin \\"X\\""\n',
            'external plugins disabled; unable to load external plugin "X"',
        ),
        ("", "kubectl said nothing"),
    ],
)
def test_what_kustomize_says_is_one_plain_line(said: str, shown: str) -> None:
    failed = KubectlFailed(Result(argv=("kubectl", "kustomize", "/x"), err=said, exit_code=1))
    assert failed.message == f"kubectl kustomize: {shown}"
