"""A run in the words of v1's log, as its guide shows them: three lines that scripts look for. All else of the run is told as it always is."""

from __future__ import annotations

from collections.abc import Callable

from bodywork_compiler.runner.events import Event, Notice, ObjectChanged, RunStarted, StepStarted

WHERE = "workflow.run_workflow"


def attempting_to_run(url: str, branch: str, namespace: str) -> Notice:
    """The first line of every log, before anything is cloned."""
    return Notice(
        message=f"attempting to run workflow for project={url} on branch={branch} in kubernetes namespace={namespace}", where=WHERE
    )


def in_v1_words(tell: Callable[[Event], None]) -> Callable[[Event], None]:
    steps = 0

    def told(event: Event) -> None:
        nonlocal steps
        match event:
            case RunStarted():
                steps = event.step_count
                tell(event)
            case StepStarted() if event.step <= steps:  # the failure stage is in none
                tell(Notice(message=f"attempting to execute DAG step={list(event.stages)}", where=WHERE))
            case ObjectChanged(action="created", stage=str()):
                where = f" in namespace={event.namespace}" if event.namespace else ""
                tell(Notice(message=f"creating {event.kind.lower()}={event.name}{where}", where=WHERE))
            case _:
                tell(event)

    return told
