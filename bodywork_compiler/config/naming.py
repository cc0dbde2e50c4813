"""Whether Kubernetes takes the names that stages give to its objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bodywork_compiler import labels, names
from bodywork_compiler.config.faults import Fault, Path, shown
from bodywork_compiler.config.meaning import namespace_for
from bodywork_compiler.problems import Problem
from bodywork_compiler.project import Project
from bodywork_compiler.values import value

MOST_SHOWN = 3
SHORTEST_PROPOSED = 8
_RESERVED = {account.removeprefix(labels.object_name("")) for account in names.CONTROLLER_ACCOUNTS}


@value
class Named:
    """A stage that is deployed. `times`: how often the DAG names it, which gives NAME, NAME-2, …; `path` and `span` are where it is named.

    A name that has a prefix begins with the prefix: whether a service's may begin so is told once, by `prefix_faults`.
    """

    name: str
    object_name: str
    label: str
    is_service: bool
    path: Path
    times: int = 1
    span: tuple[int, int] | None = None


def faults(stages: Iterable[Named]) -> Iterator[Fault]:
    owner: dict[str, str] = {}
    for stage in stages:
        fault = _refused(stage)
        if fault:
            yield _at(stage, *fault)
            continue
        for time in range(1, stage.times + 1):
            label = names.repeated(stage.label, time)
            whose = shown(stage.name) if time == 1 else f"{shown(stage.name)}, when it comes again,"
            if label in owner:
                name = shown(names.repeated(stage.object_name, time))
                yield _at(stage, f"{whose} is called {name} in Kubernetes, as {owner[label]} is", "rename one of the two")
            owner[label] = whose


def _refused(stage: Named) -> tuple[str, str] | None:
    longest = names.repeated(stage.object_name, stage.times)
    if not names.clean(stage.name):
        return "a stage's name needs a letter or digit (a to z, 0 to 9)", "for example `train`"
    if stage.is_service and stage.object_name == stage.label and not stage.object_name[0].isalpha():
        message = f"a service's name must begin with a letter: Kubernetes refuses {shown(stage.object_name)}"
        return message, f"for example {shown(f's{stage.object_name}')}"
    if len(longest) > names.LONGEST:
        spare = names.LONGEST - (len(longest) - len(stage.label))
        proposal = names.shortened(stage.label, spare) if spare > SHORTEST_PROPOSED else ""
        message = f"is too long: Kubernetes takes {names.LONGEST} characters, and {shown(longest)} has {len(longest)}"
        return message, f"for example `{proposal}`" if proposal else "shorten the project's name"
    return None


def _at(stage: Named, message: str, hint: str) -> Fault:
    return Fault(path=stage.path, message=message, hint=hint, at_key=stage.span is None, span=stage.span)


def prefix_faults(prefix: str, path: Path, *, has_services: bool) -> Iterator[Fault]:
    if has_services and prefix[:1].isdigit():
        message = f"services are called {prefix}STAGE, and Kubernetes refuses a service's name that begins with a digit"
        yield Fault(path=path, message=message, hint=f"for example {shown(f'p{prefix.removesuffix(names.PROJECT_MARK)}')}")


def pipeline_faults(name: str, path: Path) -> Iterator[Fault]:
    object_name = names.pipeline_object_name(name)
    if name and not object_name:
        yield Fault(path=path, message=f"needs a letter or digit (a to z, 0 to 9), got {shown(name)}", hint="for example `iris`")
    elif len(object_name) > names.LONGEST:
        message = f"is too long: Kubernetes takes {names.LONGEST} characters in a label, and this has {len(object_name)}"
        yield Fault(path=path, message=message, hint=f"for example `{names.shortened(object_name)}`")
    elif object_name in _RESERVED:
        yield Fault(
            path=path, message=f"{shown(name)} is taken: its account would be that of Bodywork's controller", hint="choose another name"
        )


def namespace_faults(namespace: str, path: Path) -> Iterator[Fault]:
    """`namespace` is what the pipeline's name gives, where the config says none."""
    owner = names.reserved_for(namespace) or names.reserved_for(names.clean(namespace))
    if owner:
        message = f"the namespace {shown(namespace)} is for {owner}, and no pipeline is deployed there"
        yield Fault(path=path, message=message, hint="choose another namespace")


def notes(file: str, project: Project) -> list[Problem]:
    """Which names differ in Kubernetes, in one note however many they are."""
    # v1 lower-cases a project's name itself; PROJECT--STAGE is as the documents have it
    called = [(project.name, project.object_name), *((stage.name, stage.label) for stage in project.stages)]
    changed = [f"{shown(name)} is called {shown(object_name)}" for name, object_name in called if name != object_name]
    notes = [Problem(file=file, message=sentence, severity="note") for sentence in _namespace(project)]
    if not changed:
        return notes
    more = f", and {len(changed) - MOST_SHOWN} more names change" if len(changed) > MOST_SHOWN else ""
    return [*notes, Problem(file=file, message=f"in Kubernetes, {', '.join(changed[:MOST_SHOWN])}{more}", severity="note")]


def _namespace(project: Project) -> Iterator[str]:
    if project.namespace is not None and project.namespace == namespace_for(project.name):
        yield f"{shown(project.name)} can be no namespace's name: the namespace is called {shown(project.namespace)}"
