"""Finding the other processes, and saying in words when one cannot."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta

import torch
import torch.distributed as dist
from attrs import frozen
from torch.distributed import TCPStore  # type: ignore[attr-defined]
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from vidcore.errors import ConfigError, RunError

_CHECK = (
    "Is each of them running, with the same versions, and does a firewall let them talk? On machines with several "
    "networks name one: GLOO_SOCKET_IFNAME=eth0 NCCL_SOCKET_IFNAME=eth0"
)


@frozen
class Place:
    """Where this process stands among those that a launcher started, as it tells in the environment."""

    rank: int
    world: int
    local_rank: int  # among those of this machine
    restarts: int

    def __str__(self) -> str:
        return f"process {self.rank} of {self.world} (on {os.uname().nodename})"


def read_place() -> Place:
    """The place that torchrun and others set in RANK, WORLD_SIZE and LOCAL_RANK.

    Raises:
        RunError: Some of them are missing, or are no numbers.
    """
    try:
        rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        local = int(os.environ.get("LOCAL_RANK", rank))
        return Place(rank, world, local, int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")))
    except (KeyError, ValueError) as error:
        raise RunError(
            f"WORLD_SIZE is {os.environ.get('WORLD_SIZE')}, but RANK and LOCAL_RANK do not fit ({error}); start with "
            "`vidcore run --nproc N`, `torchrun -m vidcore run`, or unset WORLD_SIZE"
        ) from None


def own_device(device: torch.device, place: Place) -> torch.device:
    """The device of this process: one GPU each on a machine.

    Launchers such as `srun --gpus-per-task=1` show each process only its own; torch's agent shows all to each.

    Raises:
        ConfigError: All were given the same GPU.
        RunError: There is none left for this process, which alone knows.
    """
    if device.type != "cuda":
        return device
    if str(device) != "cuda":
        raise ConfigError(f'engine.device = "{device}" is one GPU for {place.world} processes; set it to "cuda"')
    count = torch.cuda.device_count()
    if count == 1 and "TORCHELASTIC_RUN_ID" not in os.environ:
        return torch.device("cuda", 0)
    if place.local_rank >= count:
        raise RunError(f"process {place.local_rank + 1} of this machine has no GPU, there are {count}; start {count}")
    return torch.device("cuda", place.local_rank)


def started_alone() -> bool:
    """Whether this is the only process, so that there is nobody to connect to."""
    return os.environ.get("WORLD_SIZE", "1") == "1"


def connect(place: Place, device: torch.device, seconds: float) -> Store:
    """Make the default process group, over gloo: it is for small things, on the CPU.

    Returns:
        Where processes leave words for each other, without a group.

    Raises:
        RunError: The others did not come in time.
    """
    limit = timedelta(seconds=seconds)
    try:
        # torch's agent keeps its store over restarts: addresses of processes that are gone must not be found in it
        store = PrefixStore(f"vidcore-{place.restarts}-{place.world}", _store(place, limit))
        silent = _silent(store, "here", place, limit)
        if not silent:
            dist.init_process_group("gloo", store=store, rank=place.rank, world_size=place.world, timeout=limit)
            return store
        trouble = f"{_processes(silent)} did not answer"
    except (RuntimeError, ValueError) as error:
        trouble = first_line(error)
    raise RunError(
        f"{place} on {device} did not reach the others at {_address()} in {seconds:g} s: {trouble}. {_CHECK}"
    )


def preflight(group: dist.ProcessGroup, store: Store, place: Place, device: torch.device, seconds: float) -> None:
    """One all-reduce over the group that gradients will take.

    Raises:
        RunError: It fails, takes too long, or gives a wrong sum.
    """
    value = torch.full((1,), float(place.rank + 1), device=device)

    def add() -> None:
        if device.type == "cuda":
            torch.cuda.set_device(device)
        dist.all_reduce(value, group=group)
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    silent = _silent(store, "before the first all-reduce", place, timedelta(seconds=seconds))
    trouble = f"{_processes(silent)} did not get that far" if silent else _within(seconds, add)
    expected = place.world * (place.world + 1) / 2
    if not trouble and float(value) != expected:
        trouble = f"the sum over all processes is {float(value):g}, not {expected:g}"
    if trouble:
        raise RunError(
            f"{place} on {device}: a first all-reduce over {dist.get_backend(group)} failed: {trouble}. {_CHECK}. "
            f'{_versions(store, place)}NCCL_DEBUG=INFO tells more; [engine.parallel] backend = "gloo" goes another way'
        )


def _store(place: Place, limit: timedelta) -> Store:
    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        store: Store = next(rendezvous("env://", place.rank, place.world, timeout=limit))[0]
        return store
    if "MASTER_ADDR" not in os.environ or not os.environ.get("MASTER_PORT", "").isdigit():
        raise ValueError("MASTER_ADDR and MASTER_PORT do not tell where process 0 is")
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    # not waiting for the others: who is missing can be told only by one that has not given up
    return TCPStore(address, port, is_master=place.rank == 0, timeout=limit, wait_for_workers=False)


def _silent(store: Store, moment: str, place: Place, limit: timedelta) -> list[int]:
    """Tell the others that this process is here, with its versions; those that have not come in time."""
    keys = [f"{moment}/{rank}" for rank in range(place.world)]
    store.set(keys[place.rank], f"torch {torch.__version__}, nccl {_nccl_version()}")
    try:
        store.wait(keys, limit)
    except RuntimeError:  # of torch, when the time is over
        return [rank for rank, key in enumerate(keys) if not store.check([key])]
    return []


def _versions(store: Store, place: Place) -> str:
    """What differs between processes; empty when nothing does."""
    found: dict[str, list[int]] = {}
    for rank in range(place.world):
        found.setdefault(store.get(f"here/{rank}").decode(), []).append(rank)
    told = "; ".join(f"{_processes(ranks)}: {version}" for version, ranks in found.items())
    return f"They have other versions: {told}. " if len(found) > 1 else ""


def _nccl_version() -> str:
    if not (dist.is_nccl_available() and torch.cuda.is_available()):
        return "none"
    return ".".join(str(part) for part in torch.cuda.nccl.version())


def _processes(ranks: list[int]) -> str:
    return f"process{'es' if len(ranks) > 1 else ''} {', '.join(map(str, ranks))}"


def _within(seconds: float, work: Callable[[], None]) -> str:
    """What went wrong with `work`, in a thread of its own since it may never end; nothing when it went well."""
    trouble = [f"it took more than {seconds:g} s"]

    def go() -> None:
        try:
            work()
            trouble[0] = ""
        except RuntimeError as error:
            trouble[0] = first_line(error)

    thread = threading.Thread(target=go, daemon=True)
    thread.start()
    thread.join(seconds)
    return trouble[0]


def is_lost_connection(error: BaseException) -> bool:
    """Whether an error of torch says that another process has gone."""
    text = str(error).lower()
    return isinstance(error, dist.DistError) or any(word in text for word in ("gloo", "nccl", "connection closed"))


def first_line(error: BaseException) -> str:
    """The part of torch's message that a person reads."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _address() -> str:
    return f"{os.environ.get('MASTER_ADDR', '?')}:{os.environ.get('MASTER_PORT', '?')}"
