"""Documents as one stream: text in, text out. Parsing it again would cost more than everything that made it."""

from __future__ import annotations

from collections.abc import Iterable

from bodywork_compiler.manifests.objects import Document


def to_stream(documents: Iterable[Document]) -> str:
    """Every document behind its own `---`, with a comment that says its step and stage."""
    return "".join([f"---\n# {place(document)}\n{_ended(document.text)}" for document in documents])


def place(document: Document) -> str:
    """Where a document belongs, in words: `step 2, stage scoring-service: Deployment`."""
    step = "on failure" if document.step is None else "set-up" if document.step == 0 else f"step {document.step}"
    stage = f", stage {document.stage}" if document.stage else ""
    return f"{step}{stage}: {document.kind}"


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
