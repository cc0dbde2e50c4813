"""Whatever a manifest, a repository or a cluster says: none of its words is ever an option of kubectl's or git's, or leads to another path.

Two lines hold that: words that Kubernetes would not take are refused when they are read; and below that check, each call puts foreign words where
they cannot be options, which is tried here with the check taken away.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from fakes import HERE, NAMESPACE, PaperCluster, a_failure_stage, a_job, a_service_of, a_session, a_template, as_failed, as_good, closing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodywork_compiler import labels
from bodywork_compiler.api import Api, CouldNotAsk, NotThere, Refused
from bodywork_compiler.controller import cronjobs, rights, runs
from bodywork_compiler.controller.work import Apply
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.git import clone, origin, questions, tree
from bodywork_compiler.git.process import Place
from bodywork_compiler.git.wanted import Wanted
from bodywork_compiler.kubectl import Kubectl, Result, Target
from bodywork_compiler.manifests import KubeObject, Plan, PlanStep, load_stream
from bodywork_compiler.preview import compare, dry_run, standing
from bodywork_compiler.run_options import RunOptions
from bodywork_compiler.runner import run, secrets
from bodywork_compiler.runner.namespace import whereabouts
from bodywork_compiler.runner.references import Key
from bodywork_compiler.secret_groups import in_cluster
from bodywork_compiler.secret_groups.in_cluster import Place as SecretPlace

# every option of kubectl's that Bodywork uses: none that says which cluster or who, but where `Kubectl.argv` writes it, and none that means "all"
OURS = {
    *("--as", "--cascade", "--context", "--dry-run", "--for", "--force-conflicts", "--from", "--from-file", "--from-literal"),
    *("--ignore-not-found", "--minify", "--namespace", "--no-headers", "--output", "--overwrite", "--patch", "--remove-extra-subjects"),
    *("--request-timeout", "--resource", "--role", "--save-config", "--selector", "--server-side", "--show-labels", "--timeout"),
    *("--to-revision", "--type", "--unix-socket", "--user", "--validate", "--verb", "--wait", "--all-containers", "-f", "-"),
}
WORDS = (
    *("--all", "--all=true", "--kubeconfig=evil.kubeconfig", "--server=https://evil", "--token", "-A", "-n", "--", "-", "--all,x"),
    *("../../../api/v1/namespaces/kube-system/secrets/x", "..", ".", "a/b", "a%2fb", "a?watch=true", "a#b", "job/--all", "--raw=/api"),
    *("a b", "a\n--all", "\x00", "\u202e--all", "A_B", "x" * 300, "--upload-pack=touch evil", "--output=/tmp/evil", "-oProxyCommand=evil"),
)
WITH_VALUE = {"--data", "--from-file", "--group", "--name", "--namespace"}  # of our own commands
OURS |= WITH_VALUE
hostile = st.one_of(
    st.sampled_from(WORDS),
    st.builds("-{}".format, st.text(min_size=1, max_size=20)),
    st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=20),
)
few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
fewer = settings(few, max_examples=12)


class Recorder:
    """A kubectl that notes what it is told, and finds nothing."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, argv: tuple[str, ...], stdin: str | None, timeout_seconds: float) -> Result:
        self.calls.append(argv)
        return Result(argv=argv, out="{}" if "--output=json" in argv and "-f" not in argv else "")

    def kubectl(self, **target: str) -> Kubectl:
        return Kubectl(target=Target(context="test", **target), execute=self, show=lambda line: None)


def assert_ours(calls: list[tuple[str, ...]]) -> None:
    for argv in calls:
        options = argv[1 : argv.index("--")] if "--" in argv else argv[1:]
        strange = [word for word in options if word.startswith("-") and word.partition("=")[0] not in OURS]
        assert strange == [], f"options that are not ours: {argv}"


# the first line: what is read


def put(body: dict[str, Any], path: tuple[Any, ...], word: str) -> None:
    *way, last = path
    for key in way:
        body = body[key]
    body[last] = word


def a_pod_job() -> dict[str, Any]:
    job = a_job("train", 1)
    job["metadata"] |= {"namespace": "lab", "annotations": {"a": "b"}}
    job["spec"]["template"] = a_template(
        env=[{"name": "A", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "KEY"}}}],
        volumeMounts=[{"name": "data", "mountPath": "/data", "subPath": "x"}],
    )
    job["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "secret": {"secretName": "aws", "items": [{"key": "a", "path": "b"}]}}]
    return job


POD = ("spec", "template", "spec")
PLACES: tuple[tuple[Any, ...], ...] = (
    ("metadata", "name"),
    ("metadata", "namespace"),
    ("kind",),
    ("apiVersion",),
    ("metadata", "labels", labels.PIPELINE),
    ("metadata", "labels", labels.STAGE),
    ("metadata", "labels", labels.STEP),
    (*POD, "containers", 0, "name"),
    (*POD, "containers", 0, "volumeMounts", 0, "name"),
    (*POD, "containers", 0, "env", 0, "valueFrom", "secretKeyRef", "name"),
    (*POD, "volumes", 0, "name"),
    (*POD, "volumes", 0, "secret", "secretName"),
)


@few
@given(word=hostile, place=st.sampled_from(PLACES))
def test_what_is_read_is_refused_or_harmless(word: str, place: tuple[Any, ...]) -> None:
    job, recorder = a_pod_job(), Recorder()
    put(job, place, word)
    with suppress(BodyworkError):
        plan = load_stream(json.dumps(job), "test")
        for call in previews(plan, recorder):
            with suppress(BodyworkError):
                call()
    assert_ours(recorder.calls)


def previews(plan: Plan, recorder: Recorder) -> Iterator[Callable[[], object]]:
    for target in ({}, {"namespace": "lab"}):
        kubectl = recorder.kubectl(**target)
        yield lambda kubectl=kubectl: compare.compare(plan, kubectl)
        yield lambda kubectl=kubectl: dry_run.dry_run(plan, kubectl, lambda _: None, by="server", stand_in=None)
        yield lambda kubectl=kubectl: dry_run.dry_run(plan, kubectl, lambda _: None, by="client", stand_in=None)
        yield lambda kubectl=kubectl: whereabouts(kubectl, plan)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("word", ["--kubeconfig=evil.kubeconfig", "--all", "../secrets/x", "a/b"])
def test_what_kubernetes_would_not_take_is_refused_where_it_is_read(place: tuple[Any, ...], word: str) -> None:
    job = a_pod_job()
    put(job, place, word)
    if place == ("apiVersion",) and word == "a/b":
        return  # is one
    with pytest.raises(BodyworkError) as refused:
        load_stream(json.dumps(job), "all.yaml")
    assert refused.value.message.startswith("all.yaml, document 1: ")


def test_all_that_is_wrong_is_said_at_once_each_with_its_document() -> None:
    jobs = [a_pod_job(), a_pod_job(), {"kind": "Job"}]
    put(jobs[0], ("metadata", "name"), "--all")
    put(jobs[0], ("metadata", "namespace"), "-n")
    put(jobs[1], ("metadata", "labels", "-a"), "b c")
    with pytest.raises(BodyworkError) as refused:
        load_stream("\n".join(map(json.dumps, jobs)), "all.yaml")
    said = refused.value.message
    assert said.startswith("all.yaml: 6 problems:\n")
    for each in (
        "document 1: Job --all: metadata.name must be at most 253",
        "document 1: Job --all: metadata.namespace must be at most 63",
        "document 2 (line 2): Job train: metadata.labels: a key must be",
        "document 2 (line 2): Job train: metadata.labels: -a must be empty, or",
        "document 3 (line 3): has no apiVersion",
        "document 3 (line 3): Job has no metadata.name",
    ):
        assert each in said


@pytest.mark.parametrize(
    ("api_version", "kind", "name", "is_taken"),
    [
        ("v1", "ConfigMap", "a.b-c", True),
        ("v1", "ConfigMap", "a_b", False),
        ("v1", "ConfigMap", "A", False),
        ("v1", "Service", "1a", False),
        ("v1", "Service", "a.b", False),
        ("v1", "Service", "a1", True),
        ("v1", "Namespace", "1a", True),
        ("v1", "Namespace", "a.b", False),
        ("batch/v1", "Job", "1.a", True),
        ("rbac.authorization.k8s.io/v1", "Role", "system:controller:Job_x", True),
        ("rbac.authorization.k8s.io/v1", "Role", "a/b", False),
        ("example.com/v1", "Model", "a.b", True),
        ("example.com/v1", "Model", "..", False),
    ],
)
def test_names_are_those_that_kubernetes_takes(api_version: str, kind: str, name: str, *, is_taken: bool) -> None:
    other = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": [other, a_job("train", 1)]})
    if is_taken:
        assert len(load_stream(text, "test").steps) == 2
        return
    with pytest.raises(BodyworkError, match=r"metadata\.name must be"):
        load_stream(text, "test")


@pytest.mark.parametrize("fact", [labels.FACT_SECRETS_GROUP, labels.FACT_SSH_SECRET])
def test_facts_that_become_names_are_fit_for_it(fact: str) -> None:
    facts = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bodywork-iris", "labels": {labels.PIPELINE: "iris"}}}
    facts["data"] = {labels.FACT_DAG: "train", fact: "--all"}
    with pytest.raises(BodyworkError, match=f"{fact} must be"):
        load_stream(json.dumps(facts), "test")


# the second line: each call


def a_cronjob(word: str) -> cronjobs.Cronjob:
    return cronjobs.Cronjob(
        name=word,
        namespace=word,
        schedule="",
        time_zone=None,
        suspended=False,
        retries=1,
        history_limit=1,
        apply=Apply(url=""),
        image="",
        ssh=None,
        token=None,
        is_ours=True,
    )


CALLS: tuple[Callable[[Kubectl, str], object], ...] = (
    lambda kubectl, word: cronjobs.trigger(kubectl, a_cronjob(word), cronjobs.run_name(word, 1)),
    lambda kubectl, word: cronjobs.delete_cronjob(kubectl, a_cronjob(word)),
    runs.delete_run,
    lambda kubectl, word: rights.reach(kubectl, word, word),
    standing.has_namespace,
    lambda kubectl, word: in_cluster.delete(kubectl, SecretPlace(namespace=word), [word, word]),
    lambda kubectl, word: in_cluster.create_namespace(kubectl, word.replace("\x00", "")),
)
LINES: tuple[Callable[[Kubectl, str], str], ...] = (
    lambda kubectl, word: secrets.create(kubectl, word, [Key(word), Key(word, is_file=True)]),
    lambda kubectl, word: secrets.add(kubectl, word, [word]),
)


@few
@given(word=hostile, call=st.sampled_from(CALLS))
def test_no_call_takes_a_foreign_word_for_an_option(word: str, call: Callable[[Kubectl, str], object]) -> None:
    recorder = Recorder()
    with suppress(BodyworkError):
        call(recorder.kubectl(namespace=word), word)
    assert_ours(recorder.calls)


@few
@given(word=hostile, line=st.sampled_from(LINES))
def test_nor_does_a_line_that_is_shown_to_be_copied(word: str, line: Callable[[Kubectl, str], str]) -> None:
    import shlex

    with suppress(BodyworkError):
        words = shlex.split(line(Recorder().kubectl(namespace=word), word))
        # what follows one of these is its value, whatever it is, to click
        is_value = [before in WITH_VALUE for before in ("", *words)]
        assert_ours([tuple(each for each, is_one in zip(words, is_value, strict=False) if not is_one)])


@fewer
@given(word=hostile, fails=st.booleans())
def test_nor_does_a_run_that_got_past_the_check(word: str, *, fails: bool) -> None:
    """Jobs of before, a service that stood, a failure stage, a rollback, what is pruned: all under a hostile name."""
    cluster = PaperCluster(on_apply=as_failed if fails else as_good)
    cluster.put(NAMESPACE)
    cluster.put({**a_job(word, 1), "metadata": {"name": word, "labels": {labels.PIPELINE: "iris", labels.STAGE: word, labels.STEP: "1"}}})
    cluster.put(a_service_of(word, 1))
    bodies = [a_job(word, 1), a_service_of("new", 1), a_failure_stage(word)]
    step = PlanStep(number=1, objects=tuple(KubeObject(each) for each in bodies[:2]))
    plan = Plan(pipeline="iris", namespace="lab", steps=(step,), on_failure=KubeObject(bodies[2]), facts={})
    with closing(a_session(cluster, plan, options=RunOptions(timeout_seconds=5.0))) as session, suppress(BodyworkError):
        run.execute(session, run.about_to_start(plan, HERE))
    assert cluster.ran
    assert_ours([("kubectl", *words) for words in (*cluster.ran, *(words for words, _ in cluster.records))])


# the API's paths


@few
@given(word=hostile)
def test_no_word_leads_to_another_path(word: str) -> None:
    asked: list[str] = []

    class Noting(Api):
        def _stream(self, path: str, *_: Any, **__: Any) -> Iterator[bytes]:
            asked.append(path)
            yield json.dumps({"resources": [{"kind": "Model", "name": "models", "namespaced": True}]}).encode()

    for namespace, name in (("lab", word), (word, "x")):
        api = Noting("/none", namespace)
        for call in (
            lambda: api.get("Secret", name),  # noqa: B023 - called at once
            lambda: api.find_any(f"example.com/{name}", "Model", "x"),  # noqa: B023
            lambda: api.find_any("example.com/v1", "Model", name),  # noqa: B023
            lambda: list(api.log(name, {})),  # noqa: B023
            lambda: api.patch("Lease", name, {}),  # noqa: B023
        ):
            with suppress(Refused, NotThere, CouldNotAsk):
                call()
    for path in asked:
        parts = path.split("/")
        assert not {"", ".", ".."} & set(parts[1:])
        assert len(parts) <= len(["", "apis", "example.com", "v1", "namespaces", "lab", "models", "x", "log"])
        assert path.isascii()
        assert not set("?#% \n") & set(path.replace("%", "", path.count("%")))


# git


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What git was told; nothing but its version is ever asked."""
    calls: list[list[str]] = []
    spawn = os.posix_spawnp

    def note(program: str, argv: list[str], env: dict[str, str], **rest: Any) -> int:
        calls.append(argv)
        return spawn(program, ["git", "--version"], env, **rest)

    monkeypatch.setattr(os, "posix_spawnp", note)
    return calls


GIT_CALLS: tuple[Callable[[Place, str], object], ...] = (
    questions.commit_of,
    lambda place, word: questions.last_change(place, "HEAD", [word]),
    lambda place, word: questions.is_on_remote_as_last_seen(place, "0" * 40, word),
    lambda place, word: questions.is_on_remote(place, "0" * 40, word),
    lambda place, word: tree.blobs_in(place, "0" * 40, word),
    lambda place, word: clone._clone("https://x/y", word, Path("/none"), Wanted(branch=word)),
    lambda place, word: clone._revision(place, "https://x/y", Wanted(commit=word)),
    lambda place, word: clone._check_out(place, "0" * 40, word),
    lambda place, word: origin.to_source(
        place,
        origin.Pinned(commit="0" * 40, branch=word, folder=word),
        questions.Remotes(urls={word: "https://x/y"}, upstreams={word: word}),
        Wanted(ask_remote=True),
    ),
)
GIT_OPTIONS = {
    *("--list", "--show-scope", "--null"),
    *(
        "-C",
        "-c",
        "-l",
        "-r",
        "-z",
        "-1",
        "--batch",
        "--batch-check",
        "--branch",
        "--cone",
        "--contains",
        "--count",
        "--detach",
        "--filter",
    ),
    *(
        "--format",
        "--full-tree",
        "--heads",
        "--name-only",
        "--no-checkout",
        "--quiet",
        "--single-branch",
        "--stdin",
        "--tags",
        "--verify",
        "--porcelain",
    ),
}


@few
@given(word=hostile.filter(lambda word: "\x00" not in word), call=st.sampled_from(GIT_CALLS))
def test_git_takes_no_foreign_word_for_an_option(spawned: list[list[str]], word: str, call: Callable[[Place, str], object]) -> None:
    spawned.clear()
    with suppress(BodyworkError, ValueError, IndexError):  # the answers are none
        call(Place(folder=Path("/")), word)
    for argv in spawned:
        ends = [argv.index(end) for end in ("--", "--end-of-options") if end in argv]
        options = [word for word in argv[1 : min(ends, default=len(argv))] if word.startswith("-")]
        assert [each for each in options if each.partition("=")[0] not in GIT_OPTIONS] == [], argv


def test_the_check_is_what_refuses_and_the_plan_is_good_without_the_word() -> None:
    """Else the tests above would try nothing."""
    plan = load_stream(json.dumps(a_pod_job()), "test")
    recorder = Recorder()
    for call in previews(plan, recorder):
        with suppress(BodyworkError, KeyError):
            call()
    assert {argv[1] for argv in recorder.calls} == {"get"}
