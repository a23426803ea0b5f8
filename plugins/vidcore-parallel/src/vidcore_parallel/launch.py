"""`vidcore launch`: a command in several processes on this machine, started and watched by torch's elastic agent.

It is `torchrun --standalone -m vidcore ...`, with exit codes of vidcore. For more than one machine use torchrun itself.
"""

from __future__ import annotations

import logging
import os
import signal
import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--nproc", required=True, type=click.IntRange(min=1), help="Processes on this machine, one a GPU.")
@click.option(
    "--max-restarts", default=0, type=click.IntRange(min=0), help="How often to start them again when one dies."
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def launch(nproc: int, max_restarts: int, command: tuple[str, ...]) -> None:
    """Start COMMAND, one of vidcore's own with its arguments, in several processes on this machine.

    \b
    Examples:
      vidcore launch --nproc 2 run mine.toml
      vidcore launch --nproc 2 test --run runs/mine
    """
    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    os.environ.setdefault("OMP_NUM_THREADS", "1")  # as torchrun does, which also warns of it
    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # processes tell their errors themselves
    options = ["--standalone", "--nproc-per-node", str(nproc), "--max-restarts", str(max_restarts)]
    try:
        run(parse_args([*options, "-m", "--", "vidcore", *command]))
    except ChildFailedError as error:
        rank, failure = error.get_first_failure()
        if failure.exitcode < 0:
            click.echo(f"process {rank} was ended by {signal.Signals(-failure.exitcode).name}", err=True)
        sys.exit(failure.exitcode if failure.exitcode >= 0 else 128 - failure.exitcode)
    except SignalException as error:
        sys.exit(128 + error.sigval)
