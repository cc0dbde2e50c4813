"""Drawings of a pipeline: for a terminal, for Markdown, for a browser."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest
from project_values import batch, project, service

from bodywork_compiler.graph.drawings import as_lines, as_mermaid, as_svg
from bodywork_compiler.graph.layout import Picture, lay_out, picture_of

SVG = "{http://www.w3.org/2000/svg}"


def iris() -> Picture:
    return picture_of(
        project(
            batch("prepare"), batch("svm", retries=2), batch("forest", retries=1, seconds=0), service("serve", replicas=2, ingress=True),
            dag="prepare >> svm, forest >> serve", on_failure=batch("report"),
        )
    )  # fmt: skip


def of_size(stages: int, in_a_step: int) -> Picture:
    names = [f"stage-{number}" for number in range(stages)]
    steps = [", ".join(names[at : at + in_a_step]) for at in range(0, stages, in_a_step)]
    return picture_of(project(*map(batch, names), dag=" >> ".join(steps)))


def test_a_terminal_sees_steps_branches_and_what_each_stage_is() -> None:
    assert as_lines(iris(), columns=100) == [
        "iris: 3 steps, 4 stages",
        "",
        "1 ───── prepare  batch    prepare/main.py · 60 s",
        "    │",
        "2 ──┬── svm      batch    svm/main.py · 60 s · 2 retries",
        "    └── forest   batch    forest/main.py · 1 retry",
        "    │",
        "3 ───── serve    service  serve/main.py · port 5000 · 2 replicas · ingress",
        "    ╎ when a stage fails",
        "✗ ───── report   batch    report/main.py · 60 s",
    ]


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_no_line_is_wider_than_the_terminal(columns: int) -> None:
    assert max(map(len, as_lines(iris(), columns=columns))) <= columns


def test_long_names_are_told_apart_by_both_their_ends() -> None:
    long = "a-stage-whose-name-goes-on-and-on-and-on-and-on-"
    picture = picture_of(project(batch(f"{long}1"), batch(f"{long}2"), dag=f"{long}1, {long}2"))
    first, second = as_lines(picture, columns=80)[2:4]
    assert first[8:48].startswith("a-stage-whose-name-")
    assert (first[47], second[47]) == ("1", "2")
    assert f"{long}2" in "".join(as_lines(picture, columns=10_000)), "in a pipe nothing is cut"
    assert {text[-1] for text in texts(picture, "name")} == {"1", "2"}


def test_boxes_are_wide_enough_for_what_they_say() -> None:
    assert texts(iris(), "about") == [
        "batch · 60 s",
        "batch · 60 s · 2 retries",
        "batch · 1 retry",
        "service · port 5000 · 2 replicas · ingress",
        "batch · 60 s",
    ]


def texts(picture: Picture, kind: str) -> list[str]:
    return ["".join(each.itertext()) for each in ET.fromstring(as_svg(picture)).iter(f"{SVG}text") if each.get("class") == kind]


def test_a_stream_that_knows_only_ascii_gets_ascii() -> None:
    assert all(line.isascii() for line in as_lines(iris(), columns=80, ascii_only=True))


def test_numbers_of_two_digits_stand_in_line() -> None:
    lines = [line for line in as_lines(of_size(12, 1), columns=80) if "stage-" in line]
    assert len({line.index("stage-") for line in lines}) == 1


def test_mermaid_has_a_group_for_each_step_and_an_edge_between_them_only() -> None:
    drawn = as_mermaid(iris())
    assert re.findall(r"step\d --> step\d", drawn) == ["step1 --> step2", "step2 --> step3"]
    assert 's3_1(["serve"])' in drawn
    assert "class s3_1 service" in drawn
    assert "step3 -. when a stage fails .-> failed" in drawn


def test_names_that_mean_something_to_mermaid_or_xml_are_only_names() -> None:
    name = 'a"]; <b>&'
    picture = picture_of(project(batch(name)))
    assert 's1_1["a#34;#93;#59; #60;b#62;#38;"]' in as_mermaid(picture)
    assert name in "".join(ET.fromstring(as_svg(picture)).itertext())


@pytest.mark.parametrize(("stages", "in_a_step"), [(2, 1), (20, 1), (20, 4), (20, 20), (200, 1), (200, 9), (200, 200)])
def test_boxes_of_a_picture_stand_inside_it_and_do_not_overlap(stages: int, in_a_step: int) -> None:
    layout = lay_out(of_size(stages, in_a_step))
    boxes = [(placed.x, placed.y) for group in layout.groups for placed in group.boxes]
    assert len(boxes) == stages
    assert all(x > 0 and x + layout.box_width < layout.width and y > 0 and y + 46 < layout.height for x, y in boxes)
    for (x, y), (other_x, other_y) in itertools.combinations(boxes, 2):
        assert abs(x - other_x) >= layout.box_width or abs(y - other_y) >= 46


@pytest.mark.parametrize(("stages", "in_a_step"), [(20, 1), (20, 20), (200, 1), (200, 9), (200, 200)])
def test_a_picture_is_no_ribbon(stages: int, in_a_step: int) -> None:
    layout = lay_out(of_size(stages, in_a_step))
    assert layout.width < 2200
    assert 0.1 < layout.width / layout.height < 10


def test_a_picture_says_in_words_what_each_box_is_and_names_nothing_outside() -> None:
    drawn = as_svg(iris())
    titles = [each.text for each in ET.fromstring(drawn).iter(f"{SVG}title")]
    assert "serve: serve/main.py, service · port 5000 · 2 replicas · ingress" in titles
    assert not re.search(r"(href|src|url)\s*=?\(?[\"']?https?:", drawn)


def test_a_step_leads_to_the_next_one() -> None:
    arrows = ET.fromstring(as_svg(of_size(20, 1))).findall(f"{SVG}path")
    assert len(arrows) == 19
