"""`bodywork schema`."""

import click

from bodywork_compiler.config import schema


@click.command("schema")
@click.argument("format_name", metavar="[FORMAT]", type=click.Choice(list(schema.FILES)), default=schema.NEWEST)
def command(format_name: str) -> None:
    """Print the JSON Schema of a config's format, for editors.

    FORMAT is 1.0, 1.1 or 1.2 for bodywork.yaml of that version (by default the newest), ini for bodywork.ini, or stage-ini for the config.ini
    of a stage.

    \b
    Example:
      bodywork schema 1.1 > bodywork.schema.json
    """
    click.echo(schema.text(format_name), nl=False)
