"""A container and where its pod lives here → the process that is started. Pure: a table of tests holds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bodywork_compiler import labels
from bodywork_compiler.local.expansion import expanded
from bodywork_compiler.local.values import Container, Process, Reference
from bodywork_compiler.values import value

PORT_VARIABLE = "BODYWORK_SERVICE_PORT"
TERMINATION_VARIABLE = "BODYWORK_TERMINATION_LOG"
SSH_VARIABLE = "BODYWORK_SSH"
_PYTHONS = ("python3", "python")
_VOLUMES = "volumes"

Find = Callable[[Reference], Mapping[str, str]]

# what a program needs of its machine wherever it runs; nothing else of the user's environment reaches a stage
OF_THE_MACHINE = re.compile(
    r"PATH|LANG|LANGUAGE|LC_\w+|TZ|TERM|SYSTEMROOT|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|LD_LIBRARY_PATH|CUDA_\w+"
    r"|(?i:https?_proxy|no_proxy|all_proxy)"
)
# what git and pip need to be those of this user: credentials, registries, caches
OF_THE_USER = re.compile(
    r"HOME|USER|LOGNAME|XDG_\w+|SSH_AUTH_SOCK|GIT_(SSH|SSL|CONFIG|ASKPASS|TERMINAL)\w*|SSH_ASKPASS|(PIP|UV)_(?!PYTHON$|TARGET$|PREFIX$|USER$)\w+"
)
PREPARING = (labels.FETCH, labels.INSTALL)


@value
class Here:
    """What a pod's processes are to know of this machine.

    `environ` is Bodywork's own environment, `urls` are the services' addresses as manifests have them, each with that of here; `port` is
    the one to listen on, where it is not the manifest's.
    """

    python: str
    environ: Mapping[str, str]
    urls: tuple[tuple[str, str], ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    port: int | None = None


def process_of(container: Container, pod: Path, here: Here, find: Find) -> Process:
    """`pod` is the folder that holds the pod's volumes."""
    mounts = folders(container, pod)

    def local(text: str, known: Mapping[str, str]) -> str:
        return mapped(readdressed(expanded(text, known), here.urls), mounts)

    env = {name: text for name, text in here.environ.items() if _is_passed(name, container.name)}
    known: dict[str, str] = {name: text for each in container.env_from for name, text in find(each).items()}
    for name, said in container.env:
        known |= find(said) if isinstance(said, Reference) and not said.key else {}
        text = find(said).get(said.key) if isinstance(said, Reference) else local(said, known)
        if text is not None:
            known[name] = text
    env |= known | dict(_own(container, pod, here, known))
    argv = tuple(local(word, env) for word in container.argv)
    if argv and argv[0] in _PYTHONS:
        argv = (here.python, *argv[1:])
    env = {name: text for name, text in env.items() if name != SSH_VARIABLE or Path(text).is_dir()}
    return Process(argv=argv, env=env, cwd=Path(mapped(container.working_dir, mounts)) if container.working_dir else pod)


def _own(container: Container, pod: Path, here: Here, known: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """What is otherwise here than the manifest says."""
    if container.name in PREPARING:
        yield from ((name, here.environ[name]) for name in ("HOME",) if name in here.environ)
    else:
        yield from here.variables
    yield TERMINATION_VARIABLE, str(termination_file(container, pod))
    if here.port is not None and PORT_VARIABLE in known:
        yield PORT_VARIABLE, str(here.port)


def termination_file(container: Container, pod: Path) -> Path:
    """Where the container may say why it ended; a cluster has /dev/termination-log."""
    return pod / f"termination-{container.name}"


def folders(container: Container, pod: Path) -> tuple[tuple[str, str], ...]:
    """Mounted path → folder, the deepest first: a volume may be mounted inside another."""
    found = [(mount.path, str(volume_folder(pod, mount.volume) / mount.sub_path)) for mount in container.mounts]
    return tuple(sorted(found, key=lambda pair: -len(pair[0])))


def volume_folder(pod: Path, volume: str) -> Path:
    return pod / _VOLUMES / volume


def mapped(text: str, mounts: Iterable[tuple[str, str]]) -> str:
    """A path below a mounted one, as it is here; any other text as it is."""
    for path, folder in mounts:
        if path and (text == path or text.startswith(f"{path}/")):
            return folder + text[len(path) :]
    return text


def readdressed(text: str, urls: Iterable[tuple[str, str]]) -> str:
    """A cluster's addresses of the pipeline's own services are names that nobody resolves here."""
    for there, here in urls:
        text = re.sub(rf"\b{re.escape(there)}(?!\d)", here, text)
    return text


def _is_passed(name: str, container: str) -> bool:
    return bool(OF_THE_MACHINE.fullmatch(name) or (container in PREPARING and OF_THE_USER.fullmatch(name)))
