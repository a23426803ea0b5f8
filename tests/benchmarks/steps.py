"""A training step of one model of each kind, in every number format and memory format: ratios of one run.

    python tests/benchmarks/steps.py [--device cpu|cuda] [--only PATTERN] [--ways fp32,bf16-cl,...] [--rounds 5]
                                     [--threads N] [--batch N]

Models and the shapes of their inputs come from recipes. Ways: `fp32` (contiguous), `fp32-cl` (channels_last_3d),
`tf32-cl`, `bf16`, `bf16-cl`, and each of them with `-compile` (the blocks that a model declares, else the whole). Each
pair of model and way runs in a process of its own; rounds of all ways take turns, so that a busy machine changes them
alike. A step is forward, backward and SGD. `first` has compilation in it. `x` is how many times faster than `fp32`
contiguous a step is; the last line of a model names the fastest way and what `precision = "auto"` means here.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import resource
import subprocess
import sys
import time
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

RECIPES = {  # name: samples of a step on a CPU, where memory and patience are short; on a GPU eight times as many
    "slowonly-r50-4x16-k400": 2,
    "stgcn-joint-2d-ntu60-xsub": 4,
    "audio-resnet-r50-64x1x1-feature-k400": 8,
    "bmn-400x100-activitynet": 1,
}
WAYS = ["fp32", "fp32-cl", "bf16", "bf16-cl", "bf16-cl-compile"]


def make(recipe: str, samples: int, device: torch.device) -> tuple[nn.Module, dict[str, Tensor]]:
    """The model of a recipe with random weights, and random inputs of the shapes that it trains with."""
    experiment = load_experiment(recipe)
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
        shapes[name] = tuple(size or usual for size, usual in zip(told, example, strict=True))
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


def child(recipe: str, way: str, device_name: str, samples: int, steps: int, threads: int) -> None:
    """Measure in this process, and print what was found."""
    if threads:
        torch.set_num_threads(threads)
    device = torch.device(device_name)
    name, *rest = way.split("-")
    precision = Precision(name, device.type)
    model, inputs = make(recipe, samples, device)
    if "cl" in rest:
        to_channels_last(model)
        inputs = inputs_channels_last(inputs)
    config = Sgd(lr=1e-4)
    optimizer = sgd(config, for_torch(parameter_groups(model, config), config))
    if "compile" in rest:
        build(default_config("compiler", "blocks" if callable(getattr(model, "blocks", None)) else "model"))(model)
    seconds = []
    with precision.matmul_settings():
        for _ in range(steps + 1):
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            started = time.perf_counter()
            with precision.autocast():
                loss = total(model(**inputs))
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            loss.item()
            seconds.append(time.perf_counter() - started)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    if device.type == "cuda":
        memory = torch.cuda.max_memory_allocated(device)
    print(json.dumps({"first": seconds[0], "seconds": min(seconds[1:]), "memory": memory}))


def measure(recipe: str, samples: int, ways: list[str], options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """The fastest step of each way over all rounds."""
    found: dict[str, dict[str, float]] = {}
    for _ in range(options.rounds):
        for way in ways:
            command = [sys.executable, __file__, "--child", recipe, way, "--batch", str(samples)]
            command += ["--device", options.device, "--steps", str(options.steps), "--threads", str(options.threads)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                last = done.stderr.strip().splitlines()[-1:] or ["no message"]
                print(f"  {way:16} failed: {last[0]}", flush=True)
                continue
            one = json.loads(done.stdout.splitlines()[-1])
            before = found.get(way, one)
            found[way] = {key: min(one[key], before[key]) for key in one}
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--only", default="*", help="models by shell pattern")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: as torch chooses")
    parser.add_argument("--batch", type=int, default=0, help="0: each model's own")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(*options.child, options.device, options.batch, options.steps, options.threads)
        return 0
    ways = options.ways.split(",")
    for recipe, usual in RECIPES.items():
        if not fnmatch.fnmatchcase(recipe, options.only):
            continue
        samples = options.batch or usual * (8 if options.device.startswith("cuda") else 1)
        print(f"{recipe}, {samples} samples a step, {options.device}", flush=True)
        found = measure(recipe, samples, ways, options)
        base = found.get("fp32", {}).get("seconds")
        for way, one in found.items():
            ratio = f"{base / one['seconds']:5.2f} x" if base else ""
            memory = f"{one['memory'] / 2**30:.2f} GiB"
            print(f"  {way:16} {1e3 * one['seconds']:9.1f} ms  {ratio}  {memory}  first {one['first']:.1f} s")
        if found:
            fastest = min(found, key=lambda way: found[way]["seconds"])
            auto = choose_precision("auto", torch.device(options.device)).name
            print(f"  fastest: {fastest}; auto is {auto}, channels last", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
