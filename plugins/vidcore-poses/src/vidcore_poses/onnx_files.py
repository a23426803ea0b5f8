"""ONNX models of others, run by onnxruntime.

Letters: N pictures, C channels, H W pixels.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from torch import Tensor

from vidcore.errors import ConfigError, WeightsError
from vidcore.weights.sources import Progress, fetch, is_address
from vidcore_checkpoints import file_sha256
from vidcore_poses.config import OnnxModel

Array = NDArray[Any]
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(uint8)": np.uint8}


class OnnxRunner:
    """A model that looks at pictures of one size.

    Args:
        model: Which one, and what it wants to see.
        folder: That its path is relative to.
        device: "cpu" or "cuda".
        progress: Told while the file is downloaded.

    Raises:
        WeightsError: The file cannot be had, is another one, or is no ONNX model.
        ConfigError: It does not fit its description, or the device is not there.
    """

    def __init__(self, model: OnnxModel, folder: Path, device: str = "cpu", progress: Progress | None = None) -> None:
        self.model = model
        path = _local(model, folder, progress)
        self._session = _session(path, device)
        self.where = str(path)
        (self._input, *more) = self._session.get_inputs()
        if more or self._input.type not in _TYPES or len(self._input.shape) != 4:
            told = ", ".join(f"{one.name} {one.type} {one.shape}" for one in self._session.get_inputs())
            raise ConfigError(f"{path} wants {told}; expected one input of pictures [N, 3, H, W]")
        fixed = self._input.shape[1:]
        wanted = (3, *model.input_size)
        if any(isinstance(size, int) and size != want for size, want in zip(fixed, wanted, strict=True)):
            raise ConfigError(f"{path} wants pictures {fixed}, the description says input_size = {model.input_size}")
        self.outputs: list[str] = [output.name for output in self._session.get_outputs()]

    def output(self, name: str, position: int, option: str) -> str:
        """The output of this name, or where it is "" the one at this position.

        Raises:
            ConfigError: There is none.
        """
        if not name and position < len(self.outputs):
            return self.outputs[position]
        if name not in self.outputs:
            known = ", ".join(self.outputs)
            raise ConfigError(f"{self.where} has no output {name or f'number {position + 1}'}; set {option}: {known}")
        return name

    def run(self, pictures: Tensor, outputs: Sequence[str]) -> list[Array]:
        """The outputs for RGB pictures of 0 ... 255, float32 `[N, 3, H, W]`, each `[N, ...]`.

        Raises:
            WeightsError: The model fails on them.
        """
        if self.model.channels == "bgr":
            pictures = pictures.flip(1)
        mean, std = (torch.tensor(one)[:, None, None] for one in (self.model.mean, self.model.std))
        batch = ((pictures - mean) / std).numpy().astype(_TYPES[self._input.type])
        fixed = self._input.shape[0]
        step = fixed if isinstance(fixed, int) else len(batch)
        if not len(batch) or len(batch) % step:
            raise WeightsError(
                f"{self.where} looks at {step} pictures at once, here are {len(batch)}; export it for one"
            )
        try:
            parts = [
                self._session.run(list(outputs), {self._input.name: batch[start : start + step]})
                for start in range(0, len(batch), step)
            ]
        except Exception as error:  # onnxruntime's own have no common class
            raise WeightsError(f"{self.where} failed on pictures {list(batch.shape)}: {error}") from error
        return [np.concatenate(of_one) for of_one in zip(*parts, strict=True)]


def _local(model: OnnxModel, folder: Path, progress: Progress | None) -> Path:
    if is_address(model.file):
        return fetch(model.file, model.sha256, progress)
    path = folder / model.file
    if not path.is_file():
        raise WeightsError(
            f"{path}: no such file; `file` is a path beside the description of the models, or an address"
        )
    if not (found := file_sha256(path)).startswith(model.sha256.lower()):
        raise WeightsError(f"{path} has the SHA-256 {found[: len(model.sha256)]}, and {model.sha256} was expected")
    return path


def _session(path: Path, device: str) -> onnxruntime.InferenceSession:
    provider = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}[device]
    if provider not in (there := onnxruntime.get_available_providers()):
        raise ConfigError(
            f"onnxruntime cannot use {device}, only {', '.join(there)}: pip uninstall onnxruntime; "
            "pip install onnxruntime-gpu"
        )
    content = _from_archive(path) if zipfile.is_zipfile(path) else path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors; they are raised as well
    try:
        return onnxruntime.InferenceSession(content, options, providers=[provider])
    except Exception as error:  # onnxruntime's own have no common class
        raise WeightsError(
            f"{path} is no ONNX model that onnxruntime {onnxruntime.__version__} runs: {error}"
        ) from error


def _from_archive(path: Path) -> bytes:
    """Published models come as an archive with further files beside the model."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.endswith(".onnx")]
        if len(names) != 1:
            raise WeightsError(f"{path} holds {len(names)} .onnx files: {', '.join(names)}; unpack it and name one")
        return archive.read(names[0])
