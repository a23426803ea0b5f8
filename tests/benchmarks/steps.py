"""A training step of one model of each kind, in every number format and memory format: ratios of one run.

    python tests/benchmarks/steps.py [--device cpu|cuda] [--only PATTERN] [--ways fp32,bf16-cl,...] [--rounds 3]
                                     [--steps 3] [--threads N] [--batch N]

Models and the shapes of their inputs come from recipes. Ways: `fp32` (contiguous), `fp32-cl` (channels_last_3d),
`tf32-cl`, `bf16`, `bf16-cl`, and each of them with `-compile` (the blocks that a model declares, else the whole). Each
pair of model and way runs in a process of its own; rounds of all ways take turns, so that a busy machine changes them
alike. A step is forward, backward and SGD; the fastest of all rounds counts. On a CPU that is the processor time of one
thread, which a busy machine changes less than the wall's; with `--threads`, and on a GPU, wall time. What is found on
the way stands on stderr, `first` has compilation in it. At the end comes one Markdown table: how many times faster than
`fp32` contiguous a step is, and what `precision = "auto"` chooses here.
"""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import attrs
import torch
from torch import Tensor, nn

from vidcore.config import load_experiment
from vidcore.config.checks import facts_of
from vidcore.engine.config import Sgd
from vidcore.engine.groups import for_torch, parameter_groups
from vidcore.engine.optimizers import sgd
from vidcore.engine.precision import Precision, choose_precision, inputs_channels_last, to_channels_last
from vidcore.plugins import build
from vidcore.plugins.discovery import default_config


@attrs.frozen
class Case:
    """One kind of model."""

    kind: str
    recipe: str
    samples: int  # of a step on a CPU, where memory and patience are short; on a GPU eight times as many
    overrides: dict[str, Any] = attrs.field(factory=dict)
    inputs: dict[str, tuple[int, ...]] = attrs.field(factory=dict)  # where the recipe does not tell


CASES = [
    Case("3D convolutions", "slowonly-r50-4x16-k400", 1),
    Case(
        "2D convolutions",
        "slowonly-r50-8x8-k400",
        1,
        {"model": {"type": "resnet-2d", "depth": 50}},
        {"video": (3, 8, 224, 224)},
    ),
    Case("attention over space and time", "slowonly-r50-nl-embedded-gaussian-4x16-k400", 1),
    Case("detection", "slowonly-r50-4x16-ava21", 1),
    Case("skeleton, graph", "stgcn-joint-2d-ntu60-xsub", 4),
    Case("skeleton, heat maps", "posec3d-keypoint-u48-ntu60-xsub", 1, {}, {"heatmap": (17, 48, 56, 56)}),
    Case("sound", "audio-resnet-r50-64x1x1-feature-k400", 8),
    Case("localization", "bmn-400x100-activitynet", 1),
]
WAYS = ["fp32", "fp32-cl", "bf16", "bf16-cl", "fp32-cl-compile", "bf16-cl-compile"]


def make(case: Case, samples: int, device: torch.device) -> tuple[nn.Module, dict[str, Tensor]]:
    """The model of a recipe with random weights, and random inputs of the shapes that it trains with."""
    experiment = load_experiment(case.recipe, case.overrides)
    config = experiment.model
    if config.num_classes is None:
        config = attrs.evolve(config, num_classes=400)
    torch.manual_seed(0)
    model: nn.Module = build(config).to(device).train()
    known, examples = facts_of(experiment)["train"].inputs, config.example_inputs()
    shapes = {}
    for name, example in examples.items():
        told = known.get(name, (None,) * len(example))
        told = told if len(told) == len(example) else (None,) * len(example)
        shapes[name] = tuple(size or usual for size, usual in zip(told, case.inputs.get(name, example), strict=True))
    inputs = {name: torch.randn(samples, *shape, device=device) for name, shape in shapes.items()}
    return model, inputs


def total(outputs: Any) -> Tensor:
    """Some loss of whatever a model answers."""
    if isinstance(outputs, Tensor):
        return outputs.float().square().mean()
    if attrs.has(type(outputs)):
        outputs = [getattr(outputs, entry.name) for entry in attrs.fields(type(outputs))]
    values = outputs.values() if isinstance(outputs, dict) else outputs
    return torch.stack([total(one) for one in values if one is not None]).sum()


def clock(device: torch.device, threads: int) -> float:
    """Seconds since some moment."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.process_time() if device.type == "cpu" and threads == 1 else time.perf_counter()


def run_steps(case: Case, way: str, device_name: str, samples: int, steps: int, threads: int) -> dict[str, float]:
    """Measure in a process of its own: seconds of the fastest step, of the first, and bytes."""
    device = torch.device(device_name)
    if device.type == "cpu":
        torch.set_num_threads(threads)
    name, *rest = way.split("-")
    precision = Precision(name, device.type)
    model, inputs = make(case, samples, device)
    if "cl" in rest:
        to_channels_last(model)
        inputs = inputs_channels_last(inputs)
    config = Sgd(lr=1e-4)
    optimizer = sgd(config, for_torch(parameter_groups(model, config), config))
    if "compile" in rest:
        build(default_config("compiler", "blocks" if callable(getattr(model, "blocks", None)) else "model"))(model)
    seconds, first = [], 0.0
    began = time.perf_counter()
    with precision.matmul_settings():
        for number in range(steps + 1):
            started = clock(device, threads)
            with precision.autocast():
                loss = total(model(**inputs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss.item()
            seconds.append(clock(device, threads) - started)
            first = time.perf_counter() - began if not number else first
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
    return {"seconds": min(seconds[1:]), "first": first, "memory": memory}


def measure(case: Case, samples: int, ways: list[str], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The fastest step of each way over all rounds."""
    found: dict[str, dict[str, float]] = {}
    broken: set[str] = set()
    for _ in range(options.rounds):
        for way in [way for way in ways if way not in broken]:
            arguments = (case, way, options.device, samples, options.steps, options.threads)
            try:  # forked, since this process has imported everything and computed nothing
                with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
                    one = pool.submit(run_steps, *arguments).result()
            except Exception as error:
                tell(f"  {way:16} failed: {error}")
                broken.add(way)
                continue
            before = found.get(way, one)
            found[way] = {key: min(one[key], before[key]) for key in one}
            memory = f"{one['memory'] / 2**30:.2f} GiB"
            tell(f"  {way:16} {1e3 * one['seconds']:9.1f} ms  {memory}  first {one['first']:.1f} s")
    return found


def tell(line: str) -> None:
    """A line for whoever waits."""
    print(line, file=sys.stderr, flush=True)


def row(case: Case, samples: int, ways: list[str], found: dict[str, dict[str, float]]) -> str:
    """A line of the table."""
    base = found.get("fp32", {}).get("seconds")
    ratios = [f"{base / found[way]['seconds']:.2f} x" if base and way in found else "-" for way in ways[1:]]
    fastest = min(found, key=lambda way: found[way]["seconds"]) if found else "-"
    milliseconds = f"{1e3 * base:.0f} ms" if base else "-"
    return "| " + " | ".join([case.kind, f"`{case.recipe}`", str(samples), milliseconds, *ratios, fastest]) + " |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", default="*", help="recipes by shell pattern")
    parser.add_argument("--ways", default=",".join(WAYS), help="the first is what the others are compared with: fp32")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of a CPU")
    parser.add_argument("--batch", type=int, default=0, help="0: each model's own")
    options = parser.parse_args()
    ways = options.ways.split(",")
    rows = []
    for case in CASES:
        if not fnmatch.fnmatchcase(case.recipe, options.only):
            continue
        samples = options.batch or case.samples * (8 if options.device.startswith("cuda") else 1)
        tell(f"{case.recipe}, {samples} samples a step, {options.device}")
        rows.append(row(case, samples, ways, measure(case, samples, ways, options)))
        tell(rows[-1])
    heads = ["kind", "recipe", "samples", ways[0], *ways[1:], "fastest"]
    print("\n".join([f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}", *rows]))
    auto = choose_precision("auto", torch.device(options.device)).name
    print(f'\n`precision = "auto"` is {auto} here; channels_last is on unless switched off.')
    return 0


if __name__ == "__main__":
    sys.exit(main())
