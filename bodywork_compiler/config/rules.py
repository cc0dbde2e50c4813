"""What all generations of the config have in common: names that Kubernetes takes, images, namespaces, files that must exist."""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from bodywork_compiler import labels, names
from bodywork_compiler.config.faults import Fault, KeyPath, nearest, shown
from bodywork_compiler.config.reading import as_typed
from bodywork_compiler.problems import Problem
from bodywork_compiler.project import Project
from bodywork_compiler.values import value

# the ancestor never waited less than 60 s for a service, so 0 worked there
STARTUP_SECONDS_FOR_0 = 60


def relative(path: str) -> str:
    """A path as the Project has it: `/` between folders, no `./` in front."""
    return posixpath.normpath(path)


def leaves_project(path: str) -> bool:
    return path.startswith("/") or relative(path).split("/")[0] == ".."


def namespace_for(name: str) -> str | None:
    """The namespace that a pipeline's name gives where that is not simply the name in lower case."""
    return None if names.is_dns_label(name.lower()) else names.clean(name)


# https://github.com/distribution/reference/blob/main/regexp.go
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:[a-zA-Z0-9][a-zA-Z0-9.-]*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*(?::(?P<tag>\w[\w.-]{{0,127}}))?(?P<digest>@[A-Za-z0-9+._-]+:[0-9a-fA-F]{{32,}})?",
    re.ASCII,
)
MOVING_TAGS = frozenset(
    {"latest", "main", "master", "trunk", "head", "dev", "devel", "develop", "edge", "nightly", "snapshot", "stable", "rolling"}
)


def image_faults(image: str, path: KeyPath) -> Iterator[Fault]:
    found = _REFERENCE.fullmatch(image)
    if not found:
        yield Fault(path=path, message=f"must be the name of an image, got {shown(image)}", hint=_hint(image))
    elif not found["digest"] and (found["tag"] is None or found["tag"].lower() in MOVING_TAGS):
        which = "no tag, which means `latest`" if found["tag"] is None else f"the tag {shown(found['tag'])}"
        message = f"{shown(image)} has {which}: what it names may change between two runs"
        yield Fault(path=path, message=message, hint="name a version, or a digest (`NAME@sha256:…`)", severity="warning")


def _hint(image: str) -> str:
    if image != image.strip() or " " in image:
        return "take the blanks away"
    if "://" in image:
        return "leave out what stands before `//`, and the `//`"
    if image.lower() != image and _REFERENCE.fullmatch(image.lower()):
        return "write it in lower case (a tag may have upper case)"
    return "for example python:3.11, or registry.example.com/team/image:1.0"


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
    path: KeyPath
    times: int = 1
    span: tuple[int, int] | None = None


def stage_name_faults(stages: Iterable[Named]) -> Iterator[Fault]:
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


def prefix_faults(prefix: str, path: KeyPath, *, has_services: bool) -> Iterator[Fault]:
    if has_services and prefix[:1].isdigit():
        message = f"services are called {prefix}STAGE, and Kubernetes refuses a service's name that begins with a digit"
        yield Fault(path=path, message=message, hint=f"for example {shown(f'p{prefix.removesuffix(names.PROJECT_MARK)}')}")


def pipeline_faults(name: str, path: KeyPath) -> Iterator[Fault]:
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


def namespace_faults(namespace: str, path: KeyPath) -> Iterator[Fault]:
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


_NOT_FOUND = "not found"
NamedAt = tuple[str, int | None, int | None]  # file, line, column


def missing_files(folder: Path, named: Iterable[tuple[object, str]], place: Callable[[str], NamedAt]) -> list[Problem]:
    """Problems of the files that are not there; `named` has each file and who names it, of which `place` knows where it stands.

    What is no path inside the project is left out.
    """
    problems: list[Problem] = []
    for file, who in named:
        if not isinstance(file, str) or "\0" in file or leaves_project(file):
            continue
        fault = _fault(folder / file)
        if fault:
            hint = _did_you_mean(folder, file) if fault == _NOT_FOUND else None
            problems.append(
                Problem(file=as_typed(folder / file), message=f"{fault}, although {who} names it", hint=hint, named_at=place(who))
            )
    return problems


def _did_you_mean(folder: Path, file: str) -> str | None:
    """The file that is there and is nearly called so: of each folder on the way, what is nearest."""
    at = folder
    with suppress(OSError):  # a folder that we may not look into holds no proposal
        for part in file.replace("\\", "/").split("/"):
            near = part if (at / part).exists() else nearest(part, sorted(each.name for each in at.iterdir()))
            if near is None:
                return None
            at /= near
        if at.is_file():
            return f"did you mean {shown(at.relative_to(folder).as_posix())}?"
    return None


def _fault(path: Path) -> str | None:
    try:
        return None if stat.S_ISREG(path.stat().st_mode) else "is no file"
    except (FileNotFoundError, NotADirectoryError):
        return _NOT_FOUND
    except OSError as fault:
        return f"cannot be looked at ({fault.strerror})"
