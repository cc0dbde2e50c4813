"""The failure stage's Job as it is made."""

from __future__ import annotations

from fakes import a_job, a_template

from bodywork_compiler.runner.failure_stage import MOST_BYTES, with_reason


def message(reason: str) -> str:
    made = with_reason(a_job("tell", 0, suspend=True, template=a_template()), reason)
    (variable,) = made["spec"]["template"]["spec"]["containers"][0]["env"]
    assert variable["name"] == "EXCEPTION_MESSAGE"
    return str(variable["value"])


def test_kubernetes_expands_nothing_in_it() -> None:
    assert message("no $(HOME) at $5") == "no $$(HOME) at $$5"


def test_it_is_cut_between_characters() -> None:
    cut = message("é" * MOST_BYTES)
    assert len(cut.encode()) <= MOST_BYTES
    assert set(cut) == {"é"}


def test_the_rendered_job_is_left_as_it_is() -> None:
    job = a_job("tell", 0, suspend=True, template=a_template())
    with_reason(job, "why")
    assert job == a_job("tell", 0, suspend=True, template=a_template())
