"""A run in the words of v1's log, as its guide shows them: the lines that scripts look for. All else of the run is told as it always is."""

from __future__ import annotations

from collections.abc import Callable

from bodywork_compiler.runner.events import Event, Notice, ObjectChanged, RunEnded, RunStarted, StepStarted

WHERE = "workflow.run_workflow"


def attempting_to_run(url: str, branch: str, namespace: str) -> Notice:
    """The first line of every log, before anything is cloned."""
    return Notice(
        message=f"attempting to run workflow for project={url} on branch={branch} in kubernetes namespace={namespace}", where=WHERE
    )


def in_v1_words(tell: Callable[[Event], None]) -> Callable[[Event], None]:
    steps: list[tuple[str, ...]] = []  # that have begun and are not told to be over
    last, where = 0, ""

    def done() -> None:
        while steps:
            tell(Notice(message=f"successfully executed DAG step={list(steps.pop())}", where=WHERE))

    def told(event: Event) -> None:
        nonlocal last, where
        match event:
            case RunStarted():
                last = event.step_count
                where = f"project={event.git_url} on branch={event.git_branch} in kubernetes namespace={event.namespace}"
                tell(event)
            case StepStarted() if event.step <= last:  # the failure stage is in none
                done()  # a step begins when the one before it has succeeded
                steps.append(event.stages)
                tell(Notice(message=f"attempting to execute DAG step={list(event.stages)}", where=WHERE))
            case ObjectChanged(action="created", stage=str()):
                namespace = f" in namespace={event.namespace}" if event.namespace else ""
                tell(Notice(message=f"creating {event.kind.lower()}={event.name}{namespace}", where=WHERE))
            case RunEnded(exit_code=0):
                done()
                tell(Notice(message=f"successfully ran workflow for {where}", where=WHERE))
                tell(event)
            case _:
                tell(event)

    return told
