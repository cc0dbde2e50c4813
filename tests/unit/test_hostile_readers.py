"""Any bytes to any reader: what it says, or one plain refusal. Never a traceback, never a wait, never more values than a machine holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bodywork_compiler import config
from bodywork_compiler.cli import main
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local import secrets, workloads
from bodywork_compiler.manifests import check, kube_json, load_file, load_stream, marker, read_stream
from bodywork_compiler.manifests.kube_yaml import documents

LAUGHS = "l0: &l0 [x]\n" + "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 12))
MERGED = "l0: &l0 {x: 1}\n" + "".join(f"l{n}: &l{n} {{<<: [{', '.join([f'*l{n - 1}'] * 9)}]}}\n" for n in range(1, 12))
CHAINED = "l0: &l0 {x: 1}\n" + "".join(f"l{n}: &l{n} {{<<: [*l{n - 1}, *l{n - 1}], k{n}: 1}}\n" for n in range(1, 40))
LONG_LISTS = f"a: &a [{', '.join(['x'] * 2_000)}]\nb: [{', '.join(['*a'] * 2_000)}]\n"
LONG_TEXTS = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 5_000)}]\n"
OWN = {"kind": "Job", "apiVersion": "batch/v1", "metadata": {"name": "a", "labels": {"bodywork/pipeline": "iris", "bodywork/step": "1"}}}

TEXTS = {
    "laughs": LAUGHS,
    "merged laughs": MERGED,
    "merges of merges": CHAINED,
    "many aliases to a long list": LONG_LISTS,
    "many aliases to a long text": LONG_TEXTS,
    "a list in itself": "a: &a [*a]\n",
    "a merge of itself": "a: &a {<<: *a}\n",
    "a merge of a text": "a: {<<: x}\n",
    "brackets": "[" * 100_000,
    "braces": "{a: " * 50_000,
    "JSON's brackets": '{"a":' + "[" * 100_000,
    "JSON that is deep": '{"a":' + "[" * 900 + "]" * 900 + "}",
    "NaN": '{"a": NaN}',
    "infinity": '{"a": -Infinity}',
    "more than a float": '{"a": 1e999}',
    "YAML's infinity": "a: .inf\n",
    "binary that is none": "a: !!binary '%%%'\n",
    "binary in no ASCII": "a: !!binary é\n",
    "half of a character": '{"a": "\\ud800"}',
    "half of a character in YAML": 'a: "\\ud800"\n',
    "two roots": "a\n---\n- b\n",
    "control": "a: \x07\n",
    "a key that is a list": "[a]: b\n",
    "tags": "!!python/object/apply:os.system [echo]\n",
}
GOOD_TEXTS = {
    "an int of 5,000 digits": f"a: {'1' * 5000}\n",
    "JSON with an int of 5,000 digits": f'{{"a": 1, "b": {"1" * 300}}}',
    "a hexadecimal one": f"a: 0x{'f' * 5000}\n",
    "forced": "a: !!int x\nb: !!bool x\nc: !!float x\nd: !!null x\n",
    "odd dates": "a: 9999-99-99\nb: 12:99:99\n",
    "odd spaces": "a: \u00a0\u2028\n",
}


def read(text: str) -> list[Any]:
    return [value for _, value in documents(text, "x.yaml")]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_manifests_that_are_none_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(BodyworkError) as refused:
        load_stream(text, "x.yaml")
    assert refused.value.message.startswith("x.yaml")
    assert len(refused.value.message) < 500
    assert refused.value.hint


@pytest.mark.parametrize("text", GOOD_TEXTS.values(), ids=GOOD_TEXTS.keys())
def test_odd_values_are_values(text: str) -> None:
    (value,) = read(text)
    json.dumps(value, allow_nan=False).encode()


@pytest.mark.parametrize("text", [LAUGHS, MERGED, CHAINED, LONG_LISTS, LONG_TEXTS, TEXTS["brackets"], TEXTS["JSON's brackets"]])
@pytest.mark.parametrize("reader", ["config", "secrets", "file"])
def test_every_reader_of_yaml_counts(tmp_path: Path, text: str, reader: str) -> None:
    file = tmp_path / ("bodywork.yaml" if reader == "config" else "x.yaml")
    file.write_text(text)
    readers: dict[str, Callable[[], object]] = {
        "config": lambda: config.load(tmp_path),
        "secrets": lambda: secrets.read_file(file),
        "file": lambda: load_file(file),
    }
    with pytest.raises(BodyworkError):
        readers[reader]()


def test_merges_of_many_keys_take_no_more_than_their_count() -> None:
    """A mapping of many keys first, then many of one key: their product would take minutes."""
    wide = ", ".join(f"k{n}: 1" for n in range(20_000))
    small = ", ".join(f"{{s{n}: 1}}" for n in range(20_000))
    (value,) = read(f"a: {{<<: [{{{wide}}}, {small}]}}\n")
    assert len(value["a"]) == 40_000


def test_a_stream_of_many_documents_is_read_in_one_go() -> None:
    """Each used to copy all that came after it."""
    text = "{}\n" * 200_000 + json.dumps(OWN)
    found = list(documents(text, "x"))
    assert len(found) == 200_001
    assert found[-1][0] == "x, document 200001 (line 200001)"


def test_of_many_problems_the_first_are_said() -> None:
    with pytest.raises(BodyworkError) as refused:
        load_stream("{}\n" * 10_000, "x")
    assert refused.value.message.startswith("x: more than 50 problems:\n")
    assert refused.value.message.count("\n") == 51


def test_too_many_documents_and_values_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kube_json, "MOST_DOCUMENTS", 3)
    for text in ("{}\n" * 4, "a: b\n---\n" * 4):
        with pytest.raises(BodyworkError, match="holds more than 3 documents"):
            read(text)
    monkeypatch.setattr(kube_json, "MOST_VALUES", 3)
    with pytest.raises(BodyworkError, match="holds more than 3 values"):
        read('{"a": [1, 2, 3]}')


def test_a_stream_is_read_to_its_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from bodywork_compiler.manifests import read as reading

    monkeypatch.setattr(reading, "LARGEST_TEXT", 10)
    assert read_stream(BytesIO(b"0123456789"), "x") == "0123456789"
    with pytest.raises(BodyworkError, match="x: is larger than"):
        read_stream(BytesIO(b"0123456789a"), "x")


# what is no text, and what is text but no manifest, to every reader

few = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just("1" * 5000))
trees = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)))


def fine_or_refused(call: Callable[[], object]) -> None:
    with suppress(BodyworkError):
        call()


@few
@given(content=st.one_of(st.binary(max_size=200), st.text(alphabet="{}[]:,-&*<!|>'\"\\ \nabx01\t#%@`", max_size=60).map(str.encode)))
@example(content=b"\xff\xfe")
@example(content=b"a: \x00")
def test_any_bytes_to_any_reader(tmp_path: Path, content: bytes) -> None:
    for name in ("bodywork.yaml", "bodywork.ini", "x.yaml", "x.env", ".bodywork-render", "x.json"):
        (tmp_path / name).write_bytes(content)
    fine_or_refused(lambda: config.load(tmp_path, file="bodywork.yaml"))
    fine_or_refused(lambda: config.load(tmp_path, file="bodywork.ini"))
    fine_or_refused(lambda: load_file(tmp_path / "x.yaml"))
    fine_or_refused(lambda: load_file(tmp_path / "x.json"))
    fine_or_refused(lambda: load_stream(read_stream(BytesIO(content), "standard input"), "standard input"))
    fine_or_refused(lambda: secrets.read_file(tmp_path / "x.yaml"))
    fine_or_refused(lambda: secrets.read_file(tmp_path / "x.env"))
    fine_or_refused(lambda: marker.read(tmp_path))
    fine_or_refused(lambda: check.read_rendered(tmp_path))


POD = ("spec", "template", "spec")
ODD_PLACES: tuple[tuple[Any, ...], ...] = (
    ("spec",),
    ("metadata",),
    ("metadata", "labels"),
    ("metadata", "labels", "bodywork/step"),
    ("metadata", "annotations"),
    ("spec", "template"),
    ("spec", "backoffLimit"),
    ("spec", "activeDeadlineSeconds"),
    POD,
    (*POD, "containers"),
    (*POD, "containers", 0),
    (*POD, "containers", 0, "name"),
    (*POD, "containers", 0, "command"),
    (*POD, "containers", 0, "env"),
    (*POD, "containers", 0, "env", 0),
    (*POD, "containers", 0, "env", 0, "value"),
    (*POD, "containers", 0, "env", 0, "valueFrom"),
    (*POD, "containers", 0, "envFrom"),
    (*POD, "containers", 0, "ports"),
    (*POD, "containers", 0, "startupProbe"),
    (*POD, "containers", 0, "volumeMounts"),
    (*POD, "initContainers"),
    (*POD, "volumes"),
    (*POD, "volumes", 0, "secret"),
    (*POD, "volumes", 0, "secret", "items"),
    (*POD, "volumes", 0, "projected"),
)


def a_whole_job() -> dict[str, Any]:
    container = {"name": "stage", "env": [{"name": "A", "value": "x"}], "command": ["python3"]}
    volumes = [{"name": "data", "secret": {"secretName": "aws"}}]
    body = json.loads(json.dumps(OWN))
    body["spec"] = {"template": {"spec": {"containers": [container], "volumes": volumes}}}
    return body  # type: ignore[no-any-return]  # JSON's


@settings(few, max_examples=200)
@given(place=st.sampled_from(ODD_PLACES), odd=trees)
@example(place=(*POD, "containers", 0, "env"), odd="x")
@example(place=(*POD, "containers"), odd=[None])
@example(place=("metadata", "labels", "bodywork/step"), odd="1" * 5000)
def test_odd_pods_are_refused_or_run_here(place: tuple[Any, ...], odd: Any) -> None:
    body = a_whole_job()
    *way, last = place
    at: Any = body
    for key in way:
        at = at[key]
    at[last] = odd

    def whole() -> None:
        plan = load_stream(json.dumps(body), "x")
        for step in plan.steps:
            for each in step.objects:
                made = workloads.workload_of(each, step.number)
                list(workloads.references(made))

    fine_or_refused(whole)


@pytest.mark.parametrize("document", ["data: 3", "data: {A: 3}", "data: [x]", "stringData: x", "metadata: 3", "metadata: {name: 3}"])
def test_a_secret_that_is_none_is_refused_without_a_value(tmp_path: Path, document: str) -> None:
    (tmp_path / "x.yaml").write_text(f"kind: Secret\n{document}\n")
    with pytest.raises(BodyworkError, match=r"x\.yaml: a Secret's"):
        secrets.read_file(tmp_path / "x.yaml")


class _Stdin:
    def __init__(self, content: bytes) -> None:
        self.buffer = BytesIO(content)

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe\x00", "standard input: is not UTF-8 (invalid start byte at byte 0)"),
        (b"{}", "standard input, document 1: has no apiVersion"),
        (b"", "standard input: is empty"),
        (LAUGHS.encode(), "its anchors and aliases"),
    ],
)
def test_standard_input_of_any_bytes(
    content: bytes, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["apply", "-", "--dry-run=client"], ["diff", "-"], ["apply", "-", "--local"]):
        monkeypatch.setattr(sys, "stdin", _Stdin(content))
        assert main(words) == (2 if words[0] == "diff" else 1)
        assert said in capsys.readouterr().err


def test_a_closed_standard_input_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert main(["apply", "-"]) == 1
    assert "standard input is closed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["validate", "a\0b"], ["apply", "a\0b"], ["render", "-o", "a\0b"], ["diff", "a\0b"], ["graph", "--file=a\0b"]]
)
def test_nul_in_an_argument_is_wrong_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    assert "NUL" in capsys.readouterr().err
