"""Why a stage failed, and what was done about it, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from bodywork_compiler import labels
from bodywork_compiler.report.durations import in_words
from bodywork_compiler.report.output import Output
from bodywork_compiler.runner.events import ContainerTail, Evidence, RolledBack


def show_evidence(evidence: Evidence, output: Output) -> None:
    headline = f"✗ {evidence.stage} (step {evidence.step}) failed: {evidence.reason}"
    output.line(headline, "red")
    for tail in evidence.tails:
        output.line(f"    {_whose(tail)}, {'last lines:' if tail.lines else 'printed nothing'}")
        for line in tail.lines:
            output.foreign(line, lead="      ")
    for number, warning in enumerate(evidence.warnings):
        output.line(warning, lead="    events: " if number == 0 else "            ")


def rollback_line(event: RolledBack) -> str:
    after = f" ({event.message})" if event.message else ""
    if not event.complete:
        wanted = "to remove it" if event.revision is None else f"to revision {event.revision}"
        return f"  NOT rolled back: {event.name}: tried {wanted} for {in_words(event.seconds)}{after}"
    if event.revision is None:
        return f"  removed {event.name}, whose first deployment this was{after}"
    to = f" to revision {event.revision}" if event.revision else ""
    to += f" (commit {event.git_commit[:7]})" if event.git_commit else ""
    return f"  rolled back {event.name}{to}{after}, available after {in_words(event.seconds)}"


def _whose(tail: ContainerTail) -> str:
    return "".join(_parts(tail))


def _parts(tail: ContainerTail) -> Iterator[str]:
    yield f"pod {tail.pod}"
    if tail.container != labels.MAIN:
        yield f", {tail.container}"
    if tail.attempt > 1:
        yield f", attempt {tail.attempt}"
    if tail.exit_code is not None:
        yield f", exit code {tail.exit_code}"
