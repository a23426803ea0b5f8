from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vidcore_engine_toy import config as toy_config
from vidcore_engine_toy.config import CLASSES
from vidcore_engine_toy.parts import ToyClips, ToyTask

from vidcore.data.bad_videos import BadVideos
from vidcore.data.plan import EvaluationPlan
from vidcore.engine.feeding import _batches, sent_ahead
from vidcore.values import Batch, SampleRef


def numbered(count: int, events: list[str], size: int = 4) -> Iterator[Batch]:
    for number in range(count):
        events.append(f"read {number}")
        video = torch.full((size, 3), float(number))
        inputs = {"video": video.pin_memory() if torch.cuda.is_available() else video}
        yield Batch(refs=[SampleRef("", 0, number)], inputs=inputs, target={}, meta=[{}], views=[1])


class NotedStream:
    """Stands for a stream of a GPU that is not here, and notes what is asked of it."""

    def __init__(self, name: str, events: list[str]) -> None:
        self.name, self.events, self.copies = name, events, 0

    def wait_stream(self, other: NotedStream) -> None:
        self.events.append(f"{self.name} waits for {other.name}")

    def wait_event(self, event: str) -> None:
        self.events.append(f"{self.name} waits for {event}")

    def record_event(self) -> str:
        self.copies += 1
        return f"copy {self.copies - 1}"


def test_the_next_batch_is_copied_while_one_is_computed_with(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: NotedStream("computing", events))
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: NotedStream("copying", events))
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: contextlib.nullcontext())
    for batch in sent_ahead(numbered(3, events), torch.device("cpu")):
        events.append(f"step {batch.refs[0].index}")
    assert events == [
        *("read 0", "copying waits for computing", "computing waits for copy 0"),
        *("read 1", "copying waits for computing", "step 0", "computing waits for copy 1"),
        *("read 2", "copying waits for computing", "step 1", "computing waits for copy 2"),
        "step 2",
    ]


def test_no_batch_is_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("current_stream", "Stream"):
        monkeypatch.setattr(torch.cuda, name, lambda device: NotedStream("any", []))
    assert list(sent_ahead(numbered(0, []), torch.device("cpu"))) == []


@pytest.mark.parametrize(("device", "current"), [("cpu", -1), ("cuda", -1), ("cuda:3", 3)])
def test_memory_is_pinned_for_the_gpu_of_the_run(monkeypatch: pytest.MonkeyPatch, device: str, current: int) -> None:
    chosen: list[int] = []

    def noted(index: int) -> contextlib.AbstractContextManager[None]:
        chosen.append(index)
        return contextlib.nullcontext()

    monkeypatch.setattr(torch.cuda, "device", noted)
    task = ToyTask(toy_config.ToyTask(), CLASSES)
    experiment: Any = SimpleNamespace(data=SimpleNamespace(workers=0, prefetch="auto"), seed=0)
    parts: Any = SimpleNamespace(experiment=experiment, task=task, device=torch.device(device))
    plan = EvaluationPlan(num_samples=4, batch_size=2)
    with _batches(parts, ToyClips(toy_config.ToyClips()), plan, BadVideos(action="skip", num_samples=4)):
        assert chosen == [current]


@pytest.mark.gpu
def test_batches_that_are_copied_meanwhile_arrive_whole() -> None:
    device = torch.device("cuda", 0)
    square, means = torch.randn(4096, 4096, device=device), list[torch.Tensor]()
    for batch in sent_ahead(numbered(20, [], size=2_000_000), device):
        for _ in range(8):  # keeps the GPU busy while the next batch comes and this one waits
            square @ square
        means.append(batch.inputs["video"].double().mean())
    assert torch.stack(means).tolist() == list(range(20))
