"""Values of secrets, from a file or from the environment. What is missing is said at once, before anything starts."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bodywork_compiler import labels
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.local.workloads import Reference, Workload, references
from bodywork_compiler.manifests import KubeObject, read_stream, validation
from bodywork_compiler.names import is_data_key
from bodywork_compiler.values import value

_YAML = (".yaml", ".yml", ".json")
_LINE = re.compile(r"(?:export\s+)?(?P<name>[A-Za-z_][\w.-]*)\s*=\s*(?P<value>.*)")
_MOST_SHOWN = 40
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@value
class Given:
    """`by_secret`: secret → key → value; `by_key`: whatever secret the key belongs to."""

    by_secret: Mapping[str, Mapping[str, str]]
    by_key: Mapping[str, str]


NOTHING = Given(by_secret={}, by_key={})


def read_file(file: Path) -> Given:
    try:
        with file.open("rb") as stream:
            text = read_stream(stream, f"--secrets {file}")
    except (OSError, ValueError) as fault:
        raise BodyworkError(f"--secrets {file}: cannot be read: {getattr(fault, 'strerror', None) or fault}") from fault
    return _yaml(text, file) if file.suffix in _YAML else Given(by_secret={}, by_key=dict(_lines(text, file)))


def held_by(objects: Iterable[KubeObject], kind: str) -> dict[str, dict[str, str]]:
    """What the plan's own Secrets or ConfigMaps hold, as text; bytes stand as surrogates."""
    return {each.name: contents(each.body) for each in objects if each.kind == kind}


def contents(body: Mapping[str, Any]) -> dict[str, str]:
    encoded = (body.get("binaryData") or {}) if body.get("kind") == "ConfigMap" else (body.get("data") or {})
    plain = (body.get("data") or {}) if body.get("kind") == "ConfigMap" else (body.get("stringData") or {})
    return {str(key): _decoded(str(text)) for key, text in encoded.items()} | {str(key): str(text) for key, text in plain.items()}


class Store:
    """Where references lead: the plan's own objects first, then the file, then (secrets only) the environment."""

    def __init__(self, objects: Sequence[KubeObject], given: Given, environ: Mapping[str, str]) -> None:
        self._held = {"Secret": held_by(objects, "Secret"), "ConfigMap": held_by(objects, "ConfigMap")}
        self._given, self._environ = given, environ

    def find(self, reference: Reference) -> dict[str, str]:
        """The values that it means, by key; nothing where they are nowhere."""
        own = self._held[reference.kind].get(reference.name)
        if own is None and reference.kind == "Secret":
            own = dict(self._given.by_secret.get(reference.name, {}))
            if reference.key and reference.key not in own:
                text = self._given.by_key.get(reference.key, self._environ.get(reference.key))
                own |= {} if text is None else {reference.key: text}
        own = own or {}
        return own if not reference.key else {key: text for key, text in own.items() if key == reference.key}


def check(workloads: Sequence[Workload], store: Store) -> None:
    """Refuse when something is missing that a container cannot start without, or is nothing that it could be given."""
    _refuse_nul(workloads, store)
    missing: dict[str, dict[str, None]] = {}
    for workload in workloads:
        for reference, where in references(workload):
            if reference.optional or where == labels.SSH_VOLUME or store.find(reference):
                continue
            missing.setdefault(_named(reference), {})[workload.stage] = None
    if missing:
        said = "; ".join(f"{what} (for {', '.join(stages)})" for what, stages in missing.items())
        raise BodyworkError(
            f"not found on this machine: {said}",
            hint="Give them in a file of lines KEY=VALUE (or YAML: SECRET: {KEY: VALUE}), --secrets FILE, or as variables of the environment.",
        )


def _refuse_nul(workloads: Sequence[Workload], store: Store) -> None:
    for workload in workloads:
        for container in (*workload.init, workload.main):
            for reference in (*container.env_from, *(each for _, each in container.env if isinstance(each, Reference))):
                for key, text in store.find(reference).items():
                    _without_nul(text, f"{key} of {'secret' if reference.kind == 'Secret' else reference.kind} {reference.name}")


def used(workloads: Sequence[Workload], store: Store) -> Iterator[dict[str, str]]:
    """The values that the workloads get to see, to be masked."""
    for workload in workloads:
        yield from (store.find(reference) for reference, _ in references(workload) if reference.kind == "Secret")


def _named(reference: Reference) -> str:
    kind = reference.kind if reference.kind == "ConfigMap" else "secret"
    return f"{reference.key} of {kind} {reference.name}" if reference.key else f"{kind} {reference.name}"


def _lines(text: str, file: Path) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        found = _LINE.fullmatch(bare)
        if not found:  # the line itself is not shown: it may hold a value
            raise BodyworkError(
                f"{file}:{number}: is no line KEY=VALUE", hint="Values of several lines: use YAML, or \\n between double quotes."
            )
        place = f"{file}:{number}"
        yield _key(found["name"], place), _without_nul(_unquoted(found["value"], place), place)


def _unquoted(text: str, place: str) -> str:
    """`'as it is'`, `"with \\n"`, or bare up to ` #`."""
    if text[:1] not in ("'", '"'):
        return re.split(r"(?<!\s)\s+#", text, maxsplit=1)[0].strip()
    quoted = re.fullmatch(r"'([^']*)'\s*(?:#.*)?|\"((?:[^\"\\]|\\.)*)\"\s*(?:#.*)?", text)
    if not quoted:
        raise BodyworkError(f"{place}: the quote is not closed")
    if quoted[1] is not None:
        return quoted[1]
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), quoted[2])


def _yaml(text: str, file: Path) -> Given:
    """`SECRET: {KEY: value}`, `KEY: value`, or Secrets as kubectl prints them."""
    import yaml

    from bodywork_compiler.manifests.kube_yaml import values

    try:
        documents = [each for each in values(text) if each is not None]
    except yaml.YAMLError as fault:  # its words are not repeated: they may hold a value
        mark = getattr(fault, "problem_mark", None)
        raise BodyworkError(f"{file}{f':{mark.line + 1}' if mark else ''}: is not valid YAML") from None
    by_secret: dict[str, dict[str, str]] = {}
    by_key: dict[str, str] = {}
    for each in documents:
        if not isinstance(each, dict):
            raise BodyworkError(f"{file}: must be a mapping, SECRET: {{KEY: value}} or KEY: value")
        if each.get("kind") == "Secret":
            if wrong := validation.data_problems(each):
                raise BodyworkError("\n  ".join(f"{file}: a Secret's {one}" for one in wrong))
            by_secret[str((each.get("metadata") or {}).get("name"))] = contents(each)
            continue
        for key, found in each.items():
            if isinstance(found, dict):
                by_secret.setdefault(str(key), {}).update(
                    {_key(name, f"{file}: {key}"): _text(text, f"{file}: {key}.{name}") for name, text in found.items()}
                )
            else:
                by_key[_key(key, str(file))] = _text(found, f"{file}: {key}")
    return Given(by_secret=by_secret, by_key=by_key)


def _text(found: object, place: str) -> str:
    """A number that YAML made of a value would not be written as it was."""
    if not isinstance(found, str):
        raise BodyworkError(f"{place} is not text", hint="Put the value into quotes.")
    return _without_nul(found, place)


def _key(found: object, place: str) -> str:
    """A Secret's key, which may become the name of a file."""
    if not is_data_key(str(found)):
        raise BodyworkError(
            f"{place}: {str(found)[:_MOST_SHOWN]!r} is not a key of a secret", hint="A key has letters, digits, `-`, `_` and `.`."
        )
    return str(found)


def _without_nul(text: str, place: str) -> str:
    if "\0" in text:
        raise BodyworkError(f"{place} holds a NUL character, which no variable of an environment can hold")
    return text


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return text
