"""Rendered manifests, the only interface between the compiler and the driver: written as one stream or as a folder, and read back.

The compiler gives `Document`s; `to_stream` and `folder.write_folder` write them; `load_stream`, `load_file` and `load_folder` read a `Plan`, whoever
patched the manifests on the way; `to_json` is what kubectl gets.
"""

from bodywork_compiler.manifests.folder import to_stream
from bodywork_compiler.manifests.objects import Document, KubeObject, Plan, PlanStep
from bodywork_compiler.manifests.read import load_file, load_folder, load_stream, read_stream, to_json

__all__ = ["Document", "KubeObject", "Plan", "PlanStep", "load_file", "load_folder", "load_stream", "read_stream", "to_json", "to_stream"]
