"""The command line: `vidcore` and `python -m vidcore`.

Exit codes: 0 done; 1 the run or check failed; 2 the command or configuration is wrong; 130 Ctrl-C; 143 SIGTERM.
"""

from __future__ import annotations

import os
import sys

import click

from vidcore import __version__
from vidcore.cli.lazy import Lazy, LazyGroup, group, plugin_commands
from vidcore.errors import DataError, RunError, VidcoreError

_CONFIG = {"check": Lazy("vidcore.cli.config:check", "Find every mistake of an experiment, without starting it.")}
_PLUGINS = {"list": Lazy("vidcore.cli.plugins:list_plugins", "What is installed, and what could not be loaded.")}

config = group("config", "Check, show, compare and explain experiments.", _CONFIG)
plugins = group("plugins", "See, check and write plugins.", _PLUGINS)
recipes = group("recipes", "Ready experiments of the installed plugins.", {})
weights = group("weights", "Published weights: fetch, inspect, convert, verify.", {})
data = group(
    "data",
    "Prepare data and check it, in about this order; few need all of it. What works through files goes on when given "
    "again. Examples: `vidcore data COMMAND --help`.",
    {},
    short_help="Check and prepare data.",
)
show = group("show", "Look at runs, data and predictions.", {})
runs = group("runs", "List runs, show one, compare several.", {})

_COMMANDS = {"run": Lazy("vidcore.cli.run:run", "Train and evaluate an experiment, or go on with it.")} | {
    str(one.name): Lazy(f"vidcore.cli.main:{one.name}", one.short_help or one.help or "")
    for one in (config, plugins, recipes, weights, data, show, runs)
}


def _leave_out(context: click.Context, option: click.Parameter, names: tuple[str, ...]) -> None:
    """Before plugins are asked for commands, and through the environment, so that worker processes do it too."""
    if names:
        known = os.environ.get("VIDCORE_NO_PLUGINS", "")
        os.environ["VIDCORE_NO_PLUGINS"] = ",".join((*filter(None, [known]), *names))


@click.group(
    cls=LazyGroup,
    entries=_COMMANDS,
    more=plugin_commands(""),
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `vidcore run quickstart`; `vidcore COMMAND --help` tells more of each command.",
)
@click.option(
    "--no-plugin", multiple=True, metavar="NAME", callback=_leave_out, expose_value=False,
    help="Leave this plugin out; may be repeated.",
)  # fmt: skip
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="vidcore")
def cli(debug: bool) -> None:
    """Video understanding: every part a plugin, every experiment one TOML file."""


def main() -> None:
    """Entry point: errors of ours become one message and an exit code, others keep their traceback."""
    debug = "--debug" in sys.argv
    silent = "WORLD_SIZE" in os.environ and os.environ.get("RANK", "0") != "0"  # of several only the first speaks
    if silent:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
    try:
        sys.exit(cli.main(standalone_mode=False))  # click answers the code of ctx.exit() and Exit
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as with `| head`
        sys.stderr.close()
        sys.exit(0)
    except VidcoreError as error:
        if debug:
            raise
        # others are those of all processes, or of all on a machine
        if not silent or os.environ.get("LOCAL_RANK") == "0" or isinstance(error, DataError | RunError):
            click.echo(f"{type(error).__name__}: {error}" if "\n" not in str(error) else str(error), err=True)
        sys.exit(error.exit_code)
