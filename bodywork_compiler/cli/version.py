"""`bodywork version`."""

import click

from bodywork_compiler import __version__


@click.command("version")
def command() -> None:
    """Print Bodywork's version.

    \b
    Example:
      bodywork version
    """
    click.echo(__version__)
