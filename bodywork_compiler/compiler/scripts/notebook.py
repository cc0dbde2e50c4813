"""Started by run.py for a notebook: runs its cells in order, in its own folder, and prints what they print as they print it.

Its argument is the notebook's file. The stage's own arguments are in BODYWORK_ARGS, a list in JSON. A cell that raises ends it with
exit code 1, `sys.exit(N)` in a cell with N, as in a script. Needs nbclient, nbformat and ipykernel.
"""

# mypy: disable-error-code="import-not-found, misc"
# (what it imports is installed in the pod)

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # else each start of a kernel prints a warning of the debugger's
os.environ.setdefault("JUPYTER_PLATFORM_DIRS", "1")

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class PrintingClient(NotebookClient):
    def output(self, outs: Any, msg: Any, display_id: str, cell_index: int) -> Any:
        show(msg["msg_type"], msg["content"])
        return super().output(outs, msg, display_id, cell_index)


def show(kind: str, content: dict[str, Any]) -> None:
    if kind == "stream":
        print(content["text"], end="", file=sys.stderr if content["name"] == "stderr" else sys.stdout, flush=True)
    elif kind in ("execute_result", "display_data"):
        print(content["data"].get("text/plain", ""), flush=True)
    elif kind == "error" and content["ename"] != "SystemExit":
        print(COLOURS.sub("", "\n".join(content["traceback"])), file=sys.stderr, flush=True)


def main(name: str) -> int:
    file = Path(name).resolve()
    try:
        notebook = nbformat.read(str(file), as_version=4)
    except Exception as fault:  # noqa: BLE001 - of a file that is none; nbformat raises whatever its versions meet there
        print(f"{name} cannot be read as a notebook: {str(fault)[:500]}", file=sys.stderr, flush=True)
        return 1
    # the image's own kernel, whatever the author's was called; how long it may take is for run.py to say
    client = PrintingClient(
        notebook,
        kernel_name="python3",
        timeout=None,
        extra_arguments=["--log-level=ERROR"],  # the kernel's own remarks are nothing that the notebook printed
        resources={"metadata": {"path": str(file.parent)}},
    )
    try:
        client.execute()
    except CellExecutionError as error:
        return exit_code(error) if error.ename == "SystemExit" else 1
    return 0


def exit_code(error: CellExecutionError) -> int:
    """What a script that ended so would exit with."""
    value = str(error.evalue).strip()
    if value in ("", "None"):
        return 0
    if re.fullmatch(r"-?\d+", value):
        return int(value) & 0xFF
    print(value, file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
