"""`bodywork version` and `bodywork --help` beside a click program that does nothing: what is ours of a cold start."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from installed import bodywork
from measure import compare, row, run_once

BAR = 1.3
EMPTY = """\
#!{python}
import sys
import click

@click.group()
def main():
    "Nothing."

@main.command()
def version():
    click.echo("0.1.0")

if __name__ == "__main__":
    sys.exit(main())
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=41)
    pairs = parser.parse_args().pairs
    command = bodywork()
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty"
        empty.write_text(EMPTY.format(python=command.parent / "python"))
        empty.chmod(0o755)
        print("| command | bodywork | empty click program | ratio | bar | |")
        print("| --- | --- | --- | --- | --- | --- |")
        for word in ("version", "--help"):
            result = compare(
                lambda word=word: run_once([command, word], cwd=Path(folder)),
                lambda word=word: run_once([empty, word], cwd=Path(folder)),
                pairs=pairs,
            )
            print(row(f"`{word}`", result, BAR))


if __name__ == "__main__":
    main()
