"""Contract checks for what makes samples: transforms and data sets."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vidcore.data.crops import Place
from vidcore.data.geometry import Geometry
from vidcore.data.transforms import GeometricTransform, PhotometricTransform
from vidcore.interfaces import Dataset, Finding
from vidcore.plugins import build
from vidcore.randomness import Purpose, generator
from vidcore.values import Sample, SampleRef

_SIZES = ((240, 320), (480, 270), (256, 256))  # heights and widths of frames that a transform must cope with


def check_transform(
    config: Any, sizes: Sequence[tuple[int, int]] = _SIZES, factory: Callable[[Any], Any] = build
) -> None:
    """Check a transform: the same generator gives the same result, without one nothing is drawn, config and size agree.

    Args:
        config: Of a component of kind `transform`.
        sizes: Heights and widths of frames; leave out those that are too small for it.
        factory: Makes the transform from the config. Left out: that of the installed component.

    Raises:
        AssertionError: Says what breaks the contract.
    """
    transform = factory(config)
    geometric, photometric = isinstance(transform, GeometricTransform), isinstance(transform, PhotometricTransform)
    assert geometric or photometric, f"{type(transform).__name__} has neither plan() nor draw() and apply()"
    pickle.loads(pickle.dumps(transform))  # it travels to workers
    if geometric:
        for size in sizes:
            _check_plan(transform, config, size)
    else:
        _check_photometric(transform)


def _check_plan(transform: GeometricTransform, config: Any, size: tuple[int, int]) -> None:
    start, what = Geometry(size), f"{type(transform).__name__} on frames of {size}"
    draws = [transform.plan(start, _rng(seed), Place(0, 1)) for seed in (1, 1)]
    assert draws[0] == draws[1], f"{what}: the same generator gives {draws[0].steps} and {draws[1].steps}"
    rules = [transform.plan(start, None, Place(0, 1)) for _ in range(2)]
    assert rules[0] == rules[1], f"{what}: without a generator it still draws"
    for planned in (*draws, *rules):
        for told, found in zip(config.out_size(size), planned.size, strict=True):
            assert told is None or told == found, (
                f"{what}: out_size() says {config.out_size(size)}, it is {planned.size}"
            )


def _check_photometric(transform: PhotometricTransform) -> None:
    what = type(transform).__name__
    first, second, other = (transform.draw(_rng(seed)) for seed in (1, 1, 2))
    assert first.ndim == 1 and first.shape == other.shape, f"{what}: draws must be [D], the same D always"
    assert torch.equal(first, second), f"{what}: the same generator gives {first.tolist()} and {second.tolist()}"
    video = torch.randint(0, 256, (2, 3, 4, 16, 20), dtype=torch.uint8)
    before, draws = video.clone(), torch.stack([first, other])
    changed = transform.apply(video, draws)
    assert changed.dtype == torch.uint8 and changed.shape == video.shape, f"{what}: uint8 [N, C, T, H, W] in and out"
    assert torch.equal(video, before), f"{what} changes its input"
    alone = torch.cat([transform.apply(video[i : i + 1], draws[i : i + 1]) for i in range(2)])
    assert torch.equal(alone, changed), f"{what}: a sample's colours depend on its neighbours in the batch"


def check_dataset(dataset: Dataset, indices: Sequence[int] = (0,)) -> None:
    """Check a data set on some of its samples.

    The same reference and generator give the same sample whatever was read before, also after a trip to a worker;
    references, classes and findings have the promised form; pixels are uint8.

    Args:
        dataset: Over real files, a few of them.
        indices: Samples to read.

    Raises:
        AssertionError: Says what breaks the contract.
    """
    assert len(dataset) > 0, "the data set is empty"
    classes: list[Any] = list(dataset.classes)
    assert classes and all(isinstance(name, str) and name for name in classes), "classes must be names, at least one"
    assert len(set(classes)) == len(classes), "a class is named twice"
    in_worker = pickle.loads(pickle.dumps(dataset))
    for index in indices:
        ref = SampleRef("", 1, index)
        samples: Any = dataset.sample(ref, _rng(index))
        assert isinstance(samples, list) and samples, f"sample({ref}) must return a list of at least one Sample"
        for repeat, sample in enumerate(samples):
            _check_sample(sample, ref, repeat, len(classes))
        for source, what in ((dataset, "read again"), (in_worker, "read in a worker")):
            again = source.sample(ref, _rng(index))
            wrong = [name for one, two in zip(samples, again, strict=True) for name in _differences(one, two)]
            assert not wrong, f"sample {index} {what} with the same generator differs in {', '.join(wrong)}"
    findings = list(dataset.check(deep=False))
    assert all(isinstance(finding, Finding) for finding in findings), "check() yields Finding objects"


def _check_sample(sample: Any, ref: SampleRef, repeat: int, num_classes: int) -> None:
    assert isinstance(sample, Sample), f"sample() must return Sample objects, got {type(sample).__name__}"
    assert (sample.ref.index, sample.ref.repeat) == (ref.index, repeat), f"sample {ref.index} says it is {sample.ref}"
    assert sample.inputs, f"sample {ref.index} has no inputs"
    views = {name: len(value) for name, value in sample.inputs.items()}
    assert len(set(views.values())) == 1, f"inputs of sample {ref.index} differ in their number of views: {views}"
    video = sample.inputs.get("video")
    if video is not None:
        assert video.ndim == 5 and video.dtype == torch.uint8, (
            f"video must be uint8 [V, C, T, H, W], is {video.dtype} {list(video.shape)}"
        )
    label = sample.target.get("label")
    assert label is None or 0 <= int(label) < num_classes, (
        f"sample {ref.index} has label {label} of {num_classes} classes"
    )


def _differences(one: Sample, two: Sample) -> Iterator[str]:
    for part in ("inputs", "target", "draws", "meta"):
        left, right = getattr(one, part), getattr(two, part)
        if left.keys() != right.keys():
            yield part
        yield from (f"{part}.{name}" for name in left.keys() & right.keys() if not _same(left[name], right[name]))


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, Tensor):  # nan is as good a value as any: a label that nobody looked for
        return isinstance(two, Tensor) and one.shape == two.shape and torch.allclose(one, two, 0, 0, equal_nan=True)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, two)
    if isinstance(one, list):
        return isinstance(two, list) and len(one) == len(two) and all(map(_same, one, two))
    return bool(one == two)


def _rng(seed: int) -> np.random.Generator:
    return generator(seed, Purpose.SAMPLE)
