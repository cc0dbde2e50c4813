"""The DAG's little language: `a >> b, c >> d`. Blanks and line breaks do not count."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from bodywork_compiler.config.faults import MOST_GUESSED, Fault, KeyPath, did_you_mean, shown
from bodywork_compiler.values import value

Steps = tuple[tuple[str, ...], ...]
_BLANKS = re.compile(r"[ \t\r\n]+")


def steps(dag: str) -> Steps:
    return tuple(tuple(step.split(",")) for step in _BLANKS.sub("", dag).split(">>"))


@value
class _Name:
    """A stage's name where the DAG has it: characters `start` to `end`; an empty one marks the separator beside it."""

    step: int
    name: str
    start: int
    end: int


def can_name(stage: str) -> bool:
    return steps(stage) == ((stage,),)


def spans(dag: str) -> dict[str, tuple[int, int]]:
    """Where each name stands first."""
    found: dict[str, tuple[int, int]] = {}
    for at in _names(dag):
        found.setdefault(at.name, (at.start, at.end))
    return found


def faults(dag: str, is_service: Mapping[str, bool], path: KeyPath, *, what_a_stage_is: str | None = None) -> Iterator[Fault]:
    """What is wrong with a DAG over these stages; nothing, when `steps` can be taken."""
    if _is_good(steps(dag), is_service):
        return
    step_of: dict[str, int] = {}
    guessed = 0
    for at in _names(dag):
        fault = _fault(at, step_of, is_service)
        step_of[at.name] = at.step
        if fault is None:
            continue
        message, hint = fault
        if hint is None and guessed < MOST_GUESSED:
            guessed += 1
            hint = _rename(at.name, is_service) or did_you_mean(at.name, is_service)
        yield Fault(path=path, message=message, hint=hint or what_a_stage_is, span=(at.start, at.end))


def _rename(name: str, stages: Iterable[str]) -> str | None:
    """A stage that was meant for sure, but whose own name no DAG can hold: "did you mean" would lead nowhere."""
    meant = next((stage for stage in stages if stage != name and "".join(stage.split()) == name), None)
    return None if meant is None else f"blanks are ignored here, so no DAG can name stage {shown(meant)}: take them out of its name"


def _is_good(found: Steps, is_service: Mapping[str, bool]) -> bool:
    services: set[str] = set()
    for step in found:
        if len(set(step)) < len(step):
            return False
        for name in step:
            if name not in is_service or name in services:
                return False
            if is_service[name]:
                services.add(name)
    return True


def _fault(at: _Name, step_of: Mapping[str, int], is_service: Mapping[str, bool]) -> tuple[str, str | None] | None:
    """The message and hint for one name of the DAG, given the step in which each name came last."""
    if not at.name:
        return f"step {at.step} has an empty stage name", "between two `>>` or `,` stands the name of a stage"
    if at.name not in is_service:
        return f"step {at.step} names {shown(at.name)}, which is no stage", "between two steps stands `>>`" if ">" in at.name else None
    if step_of.get(at.name) == at.step:
        return f"step {at.step} names {shown(at.name)} twice", "take one away"
    if at.name in step_of and is_service[at.name]:
        return f"names the service stage {shown(at.name)} again, in step {at.step}", "a service keeps running: name it once"
    return None


def _names(dag: str) -> Iterator[_Name]:
    kept = [index for index, character in enumerate(dag) if character not in " \t\r\n"]
    squeezed = "".join(dag[index] for index in kept)
    at = 0
    for number, step in enumerate(squeezed.split(">>"), 1):
        for name in step.split(","):
            yield _name(number, name, kept, at)
            at += len(name) + 1
        at += 1


def _name(step: int, name: str, kept: list[int], at: int) -> _Name:
    if name:
        return _Name(step=step, name=name, start=kept[at], end=kept[at + len(name) - 1] + 1)
    beside = kept[min(at, len(kept) - 1)] if kept else 0
    return _Name(step=step, name=name, start=beside, end=beside + 1)
