"""The engine's loop against a bare PyTorch loop: time for each step and peak memory, same model, same batches.

    python tests/benchmarks/bare_loop.py [--steps 20] [--rounds 5] [--device cpu|cuda] [--precision fp32|bf16]
                                         [--limit 1.02]

For the time both take their steps in turns in one process, which has one frequency and the same neighbours for both;
for the memory each has processes of its own. Batches are made beforehand: what is compared is the loop, not the reading
of videos. On a CPU, one thread's processor time is counted, which a busy machine changes less than the wall's; on a
GPU, wall time. Where tensors come to lie in memory moves a step by more than the loop does (the same loop
twice: 0.98 to 1.04), so there are several rounds, and what the loop itself costs is measured around a model of one
small layer. With `--limit`, a ratio above it is a failure.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vidcore.engine.config import Sgd
from vidcore.engine.groups import for_torch, parameter_groups
from vidcore.engine.loop import Training, take_step
from vidcore.engine.optimizers import sgd
from vidcore.engine.precision import Precision, to_channels_last
from vidcore.interfaces import Loss
from vidcore.values import Batch, SampleRef

BATCH, CLASSES, SHAPE = 8, 10, (3, 8, 64, 64)
WARM_UP = 3


class Block(nn.Module):
    """Two convolutions and a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv3d(inputs, outputs, 3, (1, stride, stride), 1, bias=False)
        self.second = nn.Conv3d(outputs, outputs, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv3d(inputs, outputs, 1, (1, stride, stride), bias=False)
        self.norms = nn.ModuleList(nn.BatchNorm3d(outputs) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)))))
        return F.relu(y + self.norms[2](self.shortcut(x)))


class Net(nn.Module):
    """A small residual network over clips."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(Block(3, 16, 2), Block(16, 32, 2), Block(32, 64, 2), Block(64, 128, 2))
        self.head = nn.Linear(128, CLASSES)

    def forward(self, video: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks(video).mean(dim=(2, 3, 4)))
        return logits


class Nothing(nn.Module):
    """What takes hardly any time, so that the loop's own shows."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(SHAPE[0], CLASSES)

    def forward(self, video: Tensor) -> Tensor:
        logits: Tensor = self.head(video[:, :, 0, 0, 0])
        return logits


MODELS = {"net": Net, "nothing": Nothing}


class PlainTask:
    """Cross entropy of clips that are normalised already."""

    def prepare(self, batch: Batch, rng: Any, training: bool) -> Batch:
        return batch

    def forward(self, model: nn.Module, batch: Batch) -> Tensor:
        logits: Tensor = model(**batch.inputs)
        return logits

    def loss(self, outputs: Tensor, batch: Batch) -> Loss:
        return Loss(total=F.cross_entropy(outputs, batch.target["label"]))


def batches(device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """A few batches on the device, again and again."""
    generator = torch.Generator().manual_seed(0)
    made = [
        (torch.randn(BATCH, *SHAPE, generator=generator), torch.randint(CLASSES, (BATCH,), generator=generator))
        for _ in range(4)
    ]
    placed = [
        (video.to(device).contiguous(memory_format=torch.channels_last_3d), label.to(device)) for video, label in made
    ]
    return itertools.cycle(placed)


def clock(device: torch.device) -> float:
    """Seconds since some moment."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def make_model(name: str, device: torch.device) -> nn.Module:
    torch.manual_seed(0)
    model = MODELS[name]().to(device).train()
    to_channels_last(model)
    return model


def bare(name: str, device: torch.device, precision: Precision) -> Iterator[float]:
    """Seconds of each step of what one writes without a framework; the loss is read, as any loop that logs it does."""
    model, source = make_model(name, device), batches(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, fused=True)
    while True:
        started = clock(device)
        video, label = next(source)
        with precision.autocast():
            loss = F.cross_entropy(model(video), label)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
        loss.item()
        yield clock(device) - started


def ours(name: str, device: torch.device, precision: Precision) -> Iterator[float]:
    """The same by `take_step`."""
    model, source = make_model(name, device), batches(device)
    config = Sgd(lr=0.1)
    training = Training(
        model=model,
        task=PlainTask(),  # type: ignore[arg-type]
        optimizer=sgd(config, for_torch(parameter_groups(model, config), config)),
        learning_rate_factor=lambda step: 1.0,
        precision=precision,
        device=device,
        seed=0,
        steps_per_epoch=1,
        epochs=1,
        channels_last=True,
    )
    refs = [SampleRef("", 0, index) for index in range(BATCH)]
    wrapped = (
        Batch(refs=refs, inputs={"video": video}, target={"label": label}, meta=[{}] * BATCH, views=[1] * BATCH)
        for video, label in source
    )
    for step in itertools.count():
        started = clock(device)
        take_step(training, step, wrapped)
        yield clock(device) - started


def child(ways: list[str], name: str, device: torch.device, precision: Precision, steps: int) -> None:
    """Let these ways take steps in turns in this process, and print what was found."""
    torch.set_num_threads(1)
    loops = {way: {"bare": bare, "ours": ours}[way](name, device, precision) for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(steps + WARM_UP):
        for way in ways if number % 2 else reversed(ways):
            seconds[way].append(next(loops[way]))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
    print(json.dumps({"seconds": {way: found[WARM_UP:] for way, found in seconds.items()}, "memory": memory}))


def measure(ways: list[str], options: argparse.Namespace, name: str = "net") -> dict[str, Any]:
    """What `child` finds in a process of its own."""
    command = [sys.executable, __file__, "--child", *ways, "--device", options.device, "--precision", options.precision]
    command += ["--model", name, "--steps", str(options.steps if name == "net" else 1000)]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--limit", type=float, default=None)
    parser.add_argument("--child", nargs="+", choices=["bare", "ours"], help=argparse.SUPPRESS)
    parser.add_argument("--model", default="net", choices=list(MODELS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        device = torch.device(options.device)
        child(options.child, options.model, device, Precision(options.precision, device.type), options.steps)
        return 0
    ways = ["bare", "ours"]
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    memory: dict[str, list[int]] = {way: [] for way in ways}
    for number in range(options.rounds):
        for way, found in measure(ways if number % 2 else ways[::-1], options)["seconds"].items():
            seconds[way] += found
        for way in ways:
            memory[way].append(measure([way], options)["memory"])
    for way in ways:
        fastest, median = min(seconds[way]), statistics.median(seconds[way])
        print(
            f"{way}: median {1e3 * median:.2f} ms, fastest {1e3 * fastest:.2f} ms, "
            f"{statistics.median(memory[way]) / 2**20:.0f} MiB"
        )
    ratios = {
        "time": statistics.median(ours / bare for ours, bare in zip(seconds["ours"], seconds["bare"], strict=True)),
        "memory": statistics.median(memory["ours"]) / statistics.median(memory["bare"]),
    }
    print("ours / bare: " + ", ".join(f"{name} {ratio:.3f}" for name, ratio in ratios.items()))
    empty = {way: 1e3 * statistics.median(found) for way, found in measure(ways, options, "nothing")["seconds"].items()}
    print(f"around a model of one small layer: bare {empty['bare']:.2f} ms a step, ours {empty['ours']:.2f} ms")
    return int(options.limit is not None and max(ratios.values()) > options.limit)


if __name__ == "__main__":
    sys.exit(main())
