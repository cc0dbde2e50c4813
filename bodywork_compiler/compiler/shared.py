"""What is the same for all objects of a pipeline, worked out once: the places of its objects, its start scripts, its files inside the manifests."""

from __future__ import annotations

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from bodywork_compiler import labels, names
from bodywork_compiler.compiler.options import RenderOptions
from bodywork_compiler.compiler.scalars import without_expansion
from bodywork_compiler.errors import BodyworkError
from bodywork_compiler.manifests import addresses
from bodywork_compiler.project import Project, Service, Stage
from bodywork_compiler.source import Source
from bodywork_compiler.values import value

SETUP_FOLDER = "setup"
PARALLEL_FOLDER = "parallel"
ON_FAILURE_FOLDER = "on-failure"
_NARROWEST = 2  # digits of a step's number in its folder's name


@value
class Place:
    """One appearance of a stage in the pipeline.

    `step` is None for the failure stage. `object_name` is unique in the pipeline: a stage that comes again has NAME-2. `label` is the value of
    `bodywork/stage`: the same without a prefix that all stages share. `folder` ends in `/`.
    """

    stage: Stage
    step: int | None
    object_name: str
    label: str
    folder: str


def setup_folder(project: Project) -> str:
    return f"{0:0{_width(project)}}-{SETUP_FOLDER}/"


def places(project: Project) -> Iterator[Place]:
    """Every stage of every step in order, and the failure stage at the end."""
    width = _width(project)
    stages = {stage.name: stage for stage in project.stages}
    times: Counter[str] = Counter()
    for number, step in enumerate(project.steps, start=1):
        for name in step:
            times[name] += 1
            object_name, label = _names(stages[name], times[name])
            folder = f"{number:0{width}}-{label}/" if len(step) == 1 else f"{number:0{width}}-{PARALLEL_FOLDER}/{label}/"
            yield Place(stage=stages[name], step=number, object_name=object_name, label=label, folder=folder)
    if project.failure_stage is not None:
        name = project.failure_stage
        object_name, label = _names(stages[name], times[name] + 1)
        yield Place(stage=stages[name], step=None, object_name=object_name, label=label, folder=f"{ON_FAILURE_FOLDER}/")


def _names(stage: Stage, time: int) -> tuple[str, str]:
    return names.repeated(stage.object_name, time), names.repeated(stage.label, time)


def _width(project: Project) -> int:
    """Folders are read in the order of their names: all numbers have as many digits as the last one."""
    return max(_NARROWEST, len(str(len(project.steps))))


# client-side apply keeps an object's text in an annotation of at most 262,144 bytes; seen to end between 190,000 and 200,000 raw bytes
LARGEST_PART_BYTES = 180_000
MOST_PARTS = 18
HASH_LENGTH = 10


@value
class SourcePart:
    """One ConfigMap: `key` sorts by place (part-00, part-01, …), `content` is Base64."""

    name: str
    key: str
    content: str


def source_parts(pipeline_name: str, archive: bytes | None) -> tuple[SourcePart, ...]:
    if archive is None:
        return ()
    pieces = [archive[start : start + LARGEST_PART_BYTES] for start in range(0, len(archive), LARGEST_PART_BYTES)]
    if len(pieces) > MOST_PARTS:
        raise BodyworkError(
            f"the project's files are {len(archive) / 1e6:.1f} MB compressed, and at most {LARGEST_PART_BYTES * MOST_PARTS / 1e6:.1f} MB can "
            "travel inside the manifests",
            hint="push the commit to a remote that the cluster can reach, or take large files out of the project's folder",
        )
    digest = sha256(archive).hexdigest()[:HASH_LENGTH]
    return tuple(
        SourcePart(name=f"{pipeline_name}-source-{digest}-{place + 1}", key=f"part-{place:02}", content=b64encode(piece).decode())
        for place, piece in enumerate(pieces)
    )


_FOLDER = Path(__file__).parent / "scripts"
FILES = ("fetch.py", "install.py", "masking.py", "notebook.py", "run.py")


@value
class StartScripts:
    """`name` is their ConfigMap's, and changes with their content."""

    name: str
    files: tuple[tuple[str, str], ...]


def start_scripts(pipeline_name: str) -> StartScripts:
    files = _files()
    digest = sha256("\0".join(text for _, text in files).encode()).hexdigest()[:HASH_LENGTH]
    return StartScripts(name=f"{pipeline_name}-scripts-{digest}", files=files)


@cache
def _files() -> tuple[tuple[str, str], ...]:
    return tuple((name, (_FOLDER / name).read_text(encoding="utf-8")) for name in FILES)


WORKSPACE = "/bodywork"  # where the pods mount their shared volume
SOURCE_FOLDER = "/opt/bodywork/source"
SSH_FOLDER = "/opt/bodywork/ssh"
HTTPS_FOLDER = "/opt/bodywork/https"
SHORT_HASH_LENGTH = 7
# `nobody` in Debian, Alpine and UBI images: ssh and getpass fail for a user that /etc/passwd does not know
USER_ID = 65534
REVISION_HISTORY_LIMIT = 5
SERVICES_IN_ONE_MAP = 700  # at 250 bytes each at most; `kubectl apply` ends at 256 KiB

_SSH_URL = re.compile(r"(?:git\+)?ssh(?:\+git)?://|[^/:@]+@[^/:]+:")

Pairs = tuple[tuple[str, str], ...]


@value
class Shared:
    """`route_namespace` is the namespace that addresses name, also where no object does (`namespace` None).

    `annotations` are on all objects, `commit_annotations` on those alone that change with the commit anyway.
    `service_urls` says where the pipeline's services answer, by `labels.service_url_variable`, in parts that fit into a ConfigMap each.
    """

    project: Project
    source: Source
    options: RenderOptions
    namespace: str | None
    route_namespace: str
    name: str
    annotations: Pairs
    commit_annotations: Pairs
    scripts: StartScripts
    parts: tuple[SourcePart, ...]
    env: dict[str, str]
    service_urls: tuple[Pairs, ...]
    services_names: tuple[str, ...]
    fetch_env: Pairs
    pod: dict[str, Any]

    @property
    def pipeline(self) -> str:
        return self.project.object_name

    def object_labels(self, *, step: int | None, stage: str | None = None, role: str | None = None) -> Pairs:
        """The labels of an object; its pods have those without step and role."""
        identity = ((labels.PIPELINE, self.pipeline),) if stage is None else ((labels.PIPELINE, self.pipeline), (labels.STAGE, stage))
        place = () if step is None else ((labels.STEP, str(step)),)
        part = () if role is None else ((labels.ROLE, role),)
        return (*identity, *place, *part, *self.others_labels(stage or self.pipeline))

    def wave(self, step: int | None, *, is_job: bool = False) -> Pairs:
        """What Argo CD goes by: steps are waves, and a Job is made anew by each sync, since one that is there cannot be changed."""
        if not self.options.argo_cd:
            return ()
        hook = ((labels.ARGO_HOOK, "SyncFail" if step is None else "Sync"), (labels.ARGO_HOOK_DELETE, "BeforeHookCreation"))
        return (*(() if step is None else ((labels.ARGO_WAVE, str(step)),)), *(hook if is_job else ()))

    def others_labels(self, name: str) -> Pairs:
        """For other tools; never read by us, since overlays overwrite them."""
        return (
            ("app.kubernetes.io/name", name),
            ("app.kubernetes.io/part-of", self.pipeline),
            ("app.kubernetes.io/managed-by", "bodywork"),
        )


def shared_by_all(project: Project, source: Source, options: RenderOptions) -> Shared:
    route_namespace = options.namespace or project.namespace or project.name.lower()
    name = labels.object_name(project.object_name)
    scripts = start_scripts(name)
    parts = source_parts(name, source.archive)
    env = {
        "BODYWORK_WORKSPACE": WORKSPACE,
        **({"BODYWORK_FOLDER": without_expansion(source.folder)} if source.folder else {}),
        "HOME": f"{WORKSPACE}/home",
        "TMPDIR": f"{WORKSPACE}/tmp",  # noqa: S108 - the pod's own volume
        "PYTHONUNBUFFERED": "1",
    }
    of_pipeline = {variable: without_expansion(value) for variable, value in project.env}
    ssh = ssh_secrets(project, source)
    service_urls = _service_urls(project, route_namespace if options.with_namespace else None)
    return Shared(
        project=project,
        source=source,
        options=options,
        namespace=route_namespace if options.with_namespace else None,
        route_namespace=route_namespace,
        name=name,
        annotations=_known((labels.GIT_URL, source.url)),
        commit_annotations=_known((labels.GIT_BRANCH, source.branch), (labels.GIT_COMMIT, source.commit)),
        scripts=scripts,
        parts=parts,
        env={**env, **of_pipeline},
        service_urls=service_urls,
        services_names=tuple(addresses.name_of(name, dict(urls)) for urls in service_urls),
        fetch_env=tuple({**env, **_fetch_env(source, ssh, inline=bool(parts)), **of_pipeline}.items()),
        pod={
            "service_account": name,
            "user_id": USER_ID,
            "pod_security": options.pod_security or project.pod_security,
            "image_pull_secrets": project.image_pull_secrets,
            "scripts_name": scripts.name,
            "source_names": tuple(part.name for part in parts),
            "ssh_secret": ssh[0][0] if ssh else None,
            "earlier_ssh_secret": ssh[1][0] if len(ssh) > 1 else None,
            "https_secret": labels.HTTPS_SECRET[0] if _is_by_https(source) else None,
        },
    )


def _service_urls(project: Project, namespace: str | None) -> tuple[Pairs, ...]:
    """Without a namespace the bare name: it is found from the namespace that an overlay or a context decides on."""
    domain = f".{namespace}.svc.cluster.local" if namespace else ""
    urls = [
        (labels.service_url_variable(place.label), f"http://{place.object_name}{domain}:{place.stage.work.port}")
        for place in places(project)
        if isinstance(place.stage.work, Service)
    ]
    return tuple(tuple(urls[at : at + SERVICES_IN_ONE_MAP]) for at in range(0, len(urls), SERVICES_IN_ONE_MAP))


def ssh_secrets(project: Project, source: Source) -> Pairs:
    """Name of the secret that holds the SSH key, and the key's name in it: the first that is there is used. None where the source needs none."""
    if source.archive is not None or source.url is None or _SSH_URL.match(source.url) is None:
        return ()
    of_generation = {"v1": (labels.SSH_SECRET_V1,), "1.0": (labels.SSH_SECRET, labels.SSH_SECRET_V1)}
    return of_generation.get(project.generation, (labels.SSH_SECRET,))


def _is_by_https(source: Source) -> bool:
    """Then the server may ask for a login; whether it does, only the pod will know."""
    return source.archive is None and (source.url or "").lower().startswith("https://")


def _fetch_env(source: Source, ssh: Pairs, *, inline: bool) -> dict[str, str]:
    env = {"BODYWORK_GIT_COMMIT": source.commit}
    if inline:
        return {**env, "BODYWORK_SOURCE": SOURCE_FOLDER}
    env["BODYWORK_GIT_URL"] = without_expansion(source.url or "")
    if source.branch:
        env["BODYWORK_GIT_BRANCH"] = without_expansion(source.branch)
    if _is_by_https(source):
        env["BODYWORK_HTTPS"] = HTTPS_FOLDER
    return {**env, "BODYWORK_SSH": SSH_FOLDER, labels.SSH_KEY_VARIABLE: " ".join(key for _, key in ssh)} if ssh else env


def _known(*pairs: tuple[str, str | None]) -> Pairs:
    """Annotations, not labels: a branch's name does not fit a label."""
    return tuple((key, value) for key, value in pairs if value)
