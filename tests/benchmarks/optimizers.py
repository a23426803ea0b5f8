"""Time of one optimizer step by the kernels that torch has for it: what `kernels = "auto"` of an optimizer chooses by.

    python tests/benchmarks/optimizers.py [--device cpu|cuda] [--rounds 10]

One line for each optimizer and set of tensors: milliseconds of the loop, and the ratio of the others to it. Processor
time of one thread on a CPU, wall time on a GPU.
"""

from __future__ import annotations

import argparse
import time

import torch
from torch import Tensor, nn

SETS = {
    "large (32 M)": [(512, 512, 3, 3)] * 12 + [(2048, 512)] * 3,
    "many small (180)": [(64,), (64, 64), (64,)] * 60,
}
OPTIMIZERS = {
    "SGD": lambda parameters, **kernels: torch.optim.SGD(
        parameters, lr=0.1, momentum=0.9, weight_decay=1e-4, **kernels
    ),
    "Adam": lambda parameters, **kernels: torch.optim.Adam(parameters, **kernels),
    "AdamW": lambda parameters, **kernels: torch.optim.AdamW(parameters, **kernels),
}


def clock(device: torch.device) -> float:
    """Seconds since some moment."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def fastest(name: str, shapes: list[tuple[int, ...]], device: torch.device, kernels: str, rounds: int) -> float:
    """Seconds of the fastest of some steps."""
    parameters: list[Tensor] = [nn.Parameter(torch.randn(shape, device=device)) for shape in shapes]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    optimizer = OPTIMIZERS[name](parameters, fused=kernels == "fused", foreach=kernels == "foreach")
    seconds = []
    for _ in range(rounds + 2):
        started = clock(device)
        optimizer.step()
        seconds.append(clock(device) - started)
    return min(seconds[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    torch.set_num_threads(1)
    device = torch.device(options.device)
    for name in OPTIMIZERS:
        for label, shapes in SETS.items():
            loop, foreach, fused = (
                fastest(name, shapes, device, kernels, options.rounds) for kernels in ("loop", "foreach", "fused")
            )
            print(
                f"{name:6} {label:18} loop {1e3 * loop:7.2f} ms, foreach {foreach / loop:.2f}, fused {fused / loop:.2f}"
            )


if __name__ == "__main__":
    main()
