"""What a run ran on: written to environment.json, compared when it goes on."""

from __future__ import annotations

import os
import platform
import sys
from typing import Any

import torch

from vidcore.engine.run_folder import table_differences
from vidcore.plugins import host
from vidcore.plugins.discovery import installed

_PACKAGES = ("vidcore", "torch", "torchvision", "numpy", "av", "safetensors", "attrs", "cattrs", "pluggy")
# what the last bits of a sum depend on
_DECIDES_BITS = ("machine", "cpu", "threads", "device", "precision", "python", "packages.torch", "packages.numpy")


def describe_environment(device: torch.device, precision: str) -> dict[str, Any]:
    """Versions, hardware and settings, as plain values."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.platform(),
        "host": platform.node(),
        "cpu": _cpu_name(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": _device_name(device),
        "precision": precision,
        "cuda": torch.version.cuda if device.type == "cuda" else None,
        "command": sys.argv,
        "packages": {name: found.version for name in _PACKAGES if (found := installed(name))},
        "plugins": plugin_versions(),
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """In words: what has changed that the last bits of a sum may depend on."""
    changed = table_differences(before, now)
    return [f"{key}: was {was}, is {is_now}" for key, was, is_now in changed if key in _DECIDES_BITS]


def plugin_versions() -> dict[str, str]:
    """Distributions of the loaded plugins, with their versions."""
    dists = [record.dist for record in host().records.values() if record.dist is not None and not record.error]
    return dict(sorted((dist.metadata["Name"], dist.version) for dist in dists))


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


def _cpu_name() -> str:
    """The model of the processor where Linux tells it; platform.processor() is empty there."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = (line.partition(":")[2].strip() for line in file if line.startswith("model name"))
            return next(names, platform.processor())
    except OSError:
        return platform.processor()
