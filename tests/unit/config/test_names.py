"""Names of a config → names that Kubernetes takes."""

from __future__ import annotations

import pytest

from bodywork_compiler import names


@pytest.mark.parametrize(
    ("name", "cleaned"),
    [
        ("train", "train"),
        ("train-model", "train-model"),
        ("Train_Model", "train-model"),
        ("stage.1", "stage-1"),
        ("a  b__c", "a-b-c"),
        ("_train_", "train"),
        ("naïve", "na-ve"),
        ("İ", "i"),  # lower case of this letter is an i and a combining dot
        ("___", ""),
        ("٣", ""),  # a digit to Python, none to Kubernetes
    ],
)
def test_a_stages_name_is_cleaned(name: str, cleaned: str) -> None:
    assert names.clean(name) == cleaned
    assert cleaned == "" or names.is_dns_label(cleaned)


@pytest.mark.parametrize(
    ("name", "object_name"),
    [("iris", "iris"), ("My.Iris", "my.iris"), ("a..b", "a.b"), ("a-.-b", "a.b"), ("-a-", "a"), (".", ""), ("a_b", "a-b")],
)
def test_a_pipelines_name_keeps_its_dots(name: str, object_name: str) -> None:
    assert names.pipeline_object_name(name) == object_name


def test_objects_of_v1_carry_the_project() -> None:
    assert names.stage_names("Stage_1") == ("stage-1", "stage-1")
    assert names.stage_names("Stage_1", "iris--") == ("iris--stage-1", "stage-1")


@pytest.mark.parametrize(
    ("project", "stage", "object_name", "label"),
    [
        ("iris", "Stage_1", "iris--stage-1", "stage-1"),
        ("My Project", "train", "my-project--train", "train"),
        ("a-b", "c__d", "a-b--c--d", "c--d"),
        ("a--b", "c--d", "a--b--c--d", "c--d"),
        ("iris", "_x_", "iris---x", "x"),
    ],
)
def test_before_v3_each_other_character_was_one_dash(project: str, stage: str, object_name: str, label: str) -> None:
    assert names.stage_names(stage, names.prefix_before_v3(project)) == (object_name, label)


def test_a_stage_that_comes_again_is_numbered() -> None:
    assert [names.repeated("train", time) for time in (1, 2, 3)] == ["train", "train-2", "train-3"]


@pytest.mark.parametrize(
    ("name", "is_label"), [("a" * 63, True), ("a" * 64, False), ("a-", False), ("A", False), ("a.b", False), ("a\n", False)]
)
def test_dns_labels(name: str, is_label: bool) -> None:  # noqa: FBT001 - a column of a table
    assert names.is_dns_label(name) is is_label


def test_a_proposal_ends_with_a_letter_or_digit() -> None:
    assert names.shortened("abc-def", 4) == "abc"
