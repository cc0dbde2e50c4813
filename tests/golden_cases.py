"""The projects whose manifests stand in tests/golden/. `python tests/golden_cases.py` writes them anew: look at the difference, then commit.

Every example, as it is rendered from a repository that holds it as a folder; and projects that use what no example does.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from project_values import COMMIT, batch, project, secret, service

from bodywork_compiler import config
from bodywork_compiler.compiler import RenderOptions, compile_project
from bodywork_compiler.manifests import Document
from bodywork_compiler.source import Source

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = Path(__file__).parent.parent / "examples"
TREE = "7" * 64
WITH_SCRIPTS = "every-key"  # the start scripts are the same in all cases: they are kept in one


def example(name: str) -> tuple[Document, ...]:
    source = Source(commit=COMMIT, url="https://git.example.com/acme/models.git", branch="main", folder=f"examples/{name}", tree=TREE)
    return compile_project(config.load(EXAMPLES / name).project, source)


def every_key() -> tuple[Document, ...]:
    """Each key of a config, by SSH."""
    prepare = batch(
        "prepare_data",
        seconds=0,
        retries=3,
        requirements=("six==1.16.0",),
        args=("--since", "2026-11-21", "$(HOME)", "two\nlines"),
        env=(("LEVEL", "1e3"),),
        secrets=(secret("TOKEN", "storage"), secret("PIP_INDEX_URL", "index", "url")),
        cpu_request=0.25,
        memory_request_mb=100,
        cpu_limit=1,
        memory_limit_mb=512,
    )
    look = batch("look", executable="look/at_data.ipynb", image="me/jupyter:1")
    serve = service("serve", port=80, replicas=2, ingress=True, requirements_file="serve/requirements.txt")
    values = project(
        prepare,
        look,
        serve,
        dag="prepare_data >> look, serve >> prepare_data",
        on_failure=batch("alert"),
        name="Every.Key",
        generation="1.2",
        namespace="keys",
        secrets_group="dev",
        env=(("HTTPS_PROXY", "http://proxy:3128"),),
        image_pull_secrets=("registry",),
    )
    return compile_project(values, Source(commit=COMMIT, url="git@git.example.com:acme/keys.git", branch="feature/x"))


def as_root_inline() -> tuple[Document, ...]:
    """Pods as the image has them, files inside the manifests, another ingress class, no namespace."""
    values = project(batch("train"), service("serve", ingress=True), name="rooted", pod_security="none")
    options = RenderOptions(with_namespace=False, ingress_class="traefik")
    return compile_project(values, Source(commit=COMMIT, archive=b"the files", folder="rooted"), options)


def argo_cd() -> tuple[Document, ...]:
    """Steps as sync waves, Jobs as hooks."""
    values = project(batch("train"), service("serve"), on_failure=batch("report"), name="waves")
    return compile_project(values, Source(commit=COMMIT, url="https://git.example.com/acme/waves.git"), RenderOptions(argo_cd=True))


def cases() -> dict[str, Callable[[], tuple[Document, ...]]]:
    names = sorted(path.name for path in EXAMPLES.iterdir() if config.is_project(path))
    return {
        **{name: lambda name=name: example(name) for name in names},
        "every-key": every_key,
        "as-root-inline": as_root_inline,
        "argo-cd": argo_cd,
    }


def texts(name: str, documents: tuple[Document, ...]) -> dict[str, str]:
    """File → text, as golden/NAME holds them."""
    return {document.path: document.text for document in documents if name == WITH_SCRIPTS or not document.path.endswith("/scripts.yaml")}


def main() -> None:
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for name, make in cases().items():
        for path, text in texts(name, make()).items():
            file = GOLDEN / name / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
