from __future__ import annotations

from typing import Any

import pytest
import torch

from vidcore.errors import DataError
from vidcore.values import Sample, SampleRef
from vidcore_tasks.batching import join_samples, rows_of_views


def sample(index: int, views: int = 1, size: int = 8, **changes: Any) -> Sample:
    video = torch.randint(0, 256, (views, 3, 4, size, size), dtype=torch.uint8)
    values: dict[str, Any] = {"inputs": {"video": video}, "target": {}, "meta": {"number": index}}
    return Sample(ref=SampleRef("", 0, index), **(values | changes))


def test_views_of_all_samples_stand_one_after_the_other() -> None:
    samples = [sample(0, views=2), sample(1, views=1), sample(2, views=3)]
    batch = join_samples(samples, {"anything": 7})
    assert batch.views == [2, 1, 3]
    assert torch.equal(batch.inputs["video"], torch.cat([one.inputs["video"] for one in samples]))
    assert batch.refs == [one.ref for one in samples]
    assert batch.meta == [one.meta for one in samples]
    assert batch.target == {"anything": 7}


def test_lists_of_one_entry_a_view_become_one_list() -> None:
    samples = [sample(0, inputs={"boxes": [[1], [2]]}), sample(1, inputs={"boxes": [[3]]})]
    batch = join_samples(samples, {})
    assert batch.inputs["boxes"] == [[1], [2], [3]] and batch.views == [2, 1]


def test_channels_last_memory_survives_joining() -> None:
    frames = torch.randint(0, 256, (1, 4, 8, 8, 3), dtype=torch.uint8)  # as decoded: V, T, H, W, C
    samples = [sample(index, inputs={"video": frames.permute(0, 4, 1, 2, 3)}) for index in range(2)]
    assert join_samples(samples, {}).inputs["video"].is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize(
    ("in_worker", "part", "copied"), [(True, False, False), (True, True, True), (False, False, True)]
)
def test_one_sample_is_not_copied_in_a_worker_unless_it_is_part_of_something_larger(
    monkeypatch: pytest.MonkeyPatch, in_worker: bool, part: bool, copied: bool
) -> None:
    monkeypatch.setattr("vidcore_tasks.batching.get_worker_info", lambda: object() if in_worker else None)
    only = sample(0, views=3)
    video = only.inputs["video"][:2] if part else only.inputs["video"]
    joined = join_samples([sample(0, inputs={"video": video})], {}).inputs["video"]
    assert torch.equal(joined, video)
    assert (joined.data_ptr() != video.data_ptr()) == copied


def test_clips_of_different_size_are_told_with_both_sizes_and_paths() -> None:
    samples = [sample(0, meta={"path": "a.mp4"}), sample(1, size=6, meta={"path": "b.mp4"})]
    with pytest.raises(DataError, match=r"of b.mp4 is \(3, 4, 6, 6\) a view, that of a.mp4 is \(3, 4, 8, 8\)"):
        join_samples(samples, {})


def test_samples_with_different_inputs_are_refused() -> None:
    other = sample(1, inputs={"audio": torch.zeros(1, 1, 4, 4)})
    with pytest.raises(DataError, match=r"sample 1 has inputs \['audio'\], sample 0 has \['video'\]"):
        join_samples([sample(0), other], {})


def test_draws_are_stacked_by_name() -> None:
    samples = [sample(i, draws={"colour": torch.full((4,), float(i))}) for i in range(2)]
    assert join_samples(samples, {}).draws["colour"].tolist() == [[0.0] * 4, [1.0] * 4]


def test_sources_with_different_draws_are_refused() -> None:
    with pytest.raises(DataError, match=r"sample 1 has draws \[\], sample 0 has \['colour'\]"):
        join_samples([sample(0, draws={"colour": torch.zeros(4)}), sample(1)], {})


def test_each_view_gets_the_row_of_its_sample() -> None:
    rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert rows_of_views(rows, [2, 1]).tolist() == [[1.0, 2.0], [1.0, 2.0], [3.0, 4.0]]
    assert rows_of_views(rows, [1, 1]) is rows
