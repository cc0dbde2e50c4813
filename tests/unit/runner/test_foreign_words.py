"""What kubectl and the API server say in words is known in one file; where the words change one day, nothing wrong is done."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from fakes import NAMESPACE, PaperCluster, a_job, a_plan, a_session, as_good, closing

from bodywork_compiler import api, kubectl_errors
from bodywork_compiler.kubectl import Kubectl, Result, Target
from bodywork_compiler.proxy import Proxy
from bodywork_compiler.runner import applying
from bodywork_compiler.runner.rehearsal import Rehearsal, check

PACKAGE = Path(api.__file__).parent


def test_the_reasons_in_kubectls_errors_are_matched_in_one_file() -> None:
    reasons = re.compile(r"\"\((?:AlreadyExists|Forbidden|NotFound|Conflict|Invalid)\)|no matches for kind|being terminated\" in")
    with_words = {file.name for file in PACKAGE.rglob("*.py") if reasons.search(file.read_text(encoding="utf-8"))}
    assert with_words == {Path(kubectl_errors.__file__).name}


@pytest.mark.parametrize(
    ("out", "is_changed"), [("job.batch/a created", True), ("job.batch/a unchanged", False), ("made: a", True), ("", False)]
)
def test_what_kubectl_did_in_other_words_was_done_all_the_same(out: str, is_changed: bool) -> None:  # noqa: FBT001 - a column
    cluster = PaperCluster(on_apply=as_good)
    cluster.put(NAMESPACE)
    with closing(a_session(cluster, a_plan(a_job("a", 1)))) as session:
        applying.tell_changes(session, 1, session.plan.steps[0].objects, Result(argv=("kubectl", "apply"), out=out))
        assert session.changed is is_changed


def test_a_dry_run_that_ended_well_in_other_words_refuses_nothing() -> None:
    kubectl = Kubectl(target=Target(namespace="lab"), execute=lambda argv, *_: Result(argv=argv, out="all is well"))
    (found,) = check(Rehearsal(kubectl, "x"), a_plan(a_job("a", 1)).steps[0].objects, set())
    assert (found.action, found.reason) == ("applied", None)


def test_a_proxy_is_ready_whatever_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\ntouch ${2#--unix-socket=}\necho 'Now listening'\nexec sleep 60\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    proxy = Proxy(Kubectl(), on_end=lambda: None)
    proxy.wait_until_ready()
    proxy.stop()


@pytest.mark.parametrize(
    ("body", "is_going"),
    [
        ({"message": "no", "details": {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}}, True),
        ({"message": "namespace lab is being terminated", "details": {"causes": [{"message": "x"}]}}, False),
        ({"message": "no"}, False),
        ([], False),
    ],
)
def test_that_a_namespace_goes_is_known_by_the_apis_own_name_for_it(body: object, is_going: bool) -> None:  # noqa: FBT001 - a column
    refused = api._error(403, json.dumps(body).encode())
    assert isinstance(refused, api.Refused)
    assert refused.is_namespace_going is is_going
