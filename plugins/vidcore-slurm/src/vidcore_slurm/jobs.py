"""What a job asks of the cluster, and its submission."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any, Literal

import submitit
from attrs import field, frozen
from submitit.slurm import slurm as slurm_executor

from vidcore.errors import ConfigError, RunError
from vidcore_slurm.attempt import Attempt

_TIME = re.compile(r"(?:(?P<days>\d+)-)?(?:(?P<hours>\d+):)?(?P<minutes>\d+)(?::(?P<seconds>\d\d))?")
_SAVE_SHARE = 0.8  # of the time between the signal and the end; the rest is for queueing again


@frozen(kw_only=True)
class Wanted:
    """What a job asks for."""

    name: str
    folder: Path  # for what its processes print, with %j for the job's number
    minutes: int
    nodes: int = 1
    gpus_per_node: int = 0
    processes_per_node: int = 1
    signal_seconds: int = 120
    max_timeouts: int = 100
    setup: tuple[str, ...] = ()
    options: dict[str, str] = field(factory=dict)  # of sbatch, by name


def minutes(text: str) -> int:
    """A time as sbatch takes it: minutes, hours:minutes, hours:minutes:seconds, with days- before it.

    Raises:
        ConfigError: It is none.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise ConfigError(
            f"--time {text}: is no time; give minutes, HOURS:MINUTES:SECONDS or DAYS-HOURS:MINUTES:SECONDS"
        )
    part = {name: int(value or 0) for name, value in found.groupdict().items()}
    total = (part["days"] * 24 + part["hours"]) * 60 + part["minutes"] + (part["seconds"] > 0)
    if total < 1:
        raise ConfigError(f"--time {text}: give at least a minute")
    return total


def script(wanted: Wanted) -> str:
    """The batch script, as it would be submitted. Needs no Slurm."""
    command = f"python -u -m submitit.core._submit {wanted.folder}"
    text: str = slurm_executor._make_sbatch_string(command=command, folder=wanted.folder, **parameters(wanted))
    return text


def parameters(wanted: Wanted) -> dict[str, Any]:
    """What submitit writes into the batch script."""
    chosen = {
        "job_name": wanted.name,
        "time": wanted.minutes,
        "nodes": wanted.nodes,
        "ntasks_per_node": wanted.processes_per_node,
        "signal_delay_s": wanted.signal_seconds,
        "stderr_to_stdout": True,
        "additional_parameters": {"requeue": True, **wanted.options},
    }
    if wanted.gpus_per_node:
        chosen["gpus_per_node"] = wanted.gpus_per_node
    return chosen | ({"setup": list(wanted.setup)} if wanted.setup else {})


def submit(wanted: Wanted, command: tuple[str, ...], cluster: Literal["slurm", "local"]) -> submitit.Job[str]:
    """Hand the job to Slurm, or start its processes here.

    Raises:
        RunError: There is no Slurm here, or it refuses the job.
        ConfigError: One machine is asked for several nodes.
    """
    attempt = Attempt(command, grace_seconds=_SAVE_SHARE * wanted.signal_seconds)
    executor: submitit.Executor
    if cluster == "local":
        if wanted.nodes > 1:
            raise ConfigError(f"--nodes {wanted.nodes} --cluster local: this is one machine; leave out --nodes")
        executor = submitit.LocalExecutor(wanted.folder, max_num_timeout=wanted.max_timeouts)
        executor.update_parameters(
            timeout_min=wanted.minutes,
            tasks_per_node=wanted.processes_per_node,
            gpus_per_node=wanted.gpus_per_node,
            signal_delay_s=wanted.signal_seconds,
            stderr_to_stdout=True,
        )
        return executor.submit(attempt)
    if shutil.which("sbatch") is None or shutil.which("srun") is None:
        raise RunError(
            "there is no sbatch here; submit from a machine of the cluster, look at the job with --dry-run, or try it "
            "with --cluster local"
        )
    executor = submitit.SlurmExecutor(wanted.folder, max_num_timeout=wanted.max_timeouts)
    executor.update_parameters(**parameters(wanted))
    try:
        return executor.submit(attempt)
    except submitit.core.utils.FailedJobError as error:
        raise RunError(f"Slurm refuses the job: {error}; --dry-run shows what it was asked") from error
