from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from vidcore_made_data import config as made_config
from vidcore_made_data.parts import MadeBrightness, MadeFolders

from vidcore.config import Views
from vidcore.data import sampling_config, transform_config
from vidcore.data.clip_shape import frame_size
from vidcore.data.clips import WHOLE_VIDEO, DataContext, Reading, read_clips
from vidcore.data.sampling import DenseSampling
from vidcore.data.transforms import CenterCrop, Flip, RandomCrop, Resize
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.data.video.whole_frames import WholeFrames
from vidcore.errors import DataError
from vidcore.interfaces import Dataset, VideoInfo
from vidcore.randomness import Purpose, generator
from vidcore.values import SampleRef

Make = dict[str, Any]


def rng(index: int = 0) -> np.random.Generator:
    return generator(0, Purpose.SAMPLE, index=index)


def context(root: Path, **changes: Any) -> DataContext:
    options: Make = {
        "decoder": PyAV(PyAVConfig(index_cache=False)),
        "sampling": DenseSampling(sampling_config.Dense(num_frames=4, frame_interval=2)),
        "transforms": {"crop": CenterCrop(transform_config.CenterCrop(size=32))},
    }
    return DataContext(root=root, **(options | changes))


def read(
    folder: Path, part: tuple[int, int] = WHOLE_VIDEO, draws: np.random.Generator | None = None, **changes: Any
) -> list[Reading]:
    """Read up/0.mp4, whose frame i is grey at 80 + 8 i, its left half darker."""
    made = context(folder, **changes)
    with made.decoder.open(folder / "up/0.mp4") as reader:
        return read_clips(reader, made, draws or rng(), part)


def test_clip_holds_the_frames_of_the_video(video_folder: Path) -> None:
    (reading,) = read(video_folder)
    assert reading.video.shape == (1, 3, 4, 32, 32)
    assert reading.video.dtype == torch.uint8
    expected = torch.tensor([80 + 8 * i for i in reading.frames[0]])
    assert (reading.video[0, 0, :, 16, 20] - expected).abs().max() <= 3


def test_views_are_clips_times_crops_with_crops_of_a_clip_side_by_side(video_folder: Path) -> None:
    (reading,) = read(video_folder, views=Views(clips=3, crops=3))
    video = reading.video
    assert video.shape == (9, 3, 4, 32, 32)
    assert torch.equal(video[:3, :, 0].float().mean(dim=(1, 2, 3)).argsort(), torch.tensor([0, 2, 1]))  # left is dark
    assert video[0].float().mean() < video[3].float().mean() < video[6].float().mean()
    assert reading.frames.tolist() == [[0, 2, 4, 6], [6, 8, 10, 12], [13, 15, 17, 19]]


def test_pixels_have_channels_last_in_memory(video_folder: Path) -> None:
    assert read(video_folder)[0].video.is_contiguous(memory_format=torch.channels_last_3d)


@pytest.mark.parametrize("scaling", ["area", "bilinear", "reference"])
def test_scalings_agree_but_for_rounding(video_folder: Path, scaling: Any) -> None:
    chain = {
        "resize": Resize(transform_config.Resize(short_side=24)),
        "crop": CenterCrop(transform_config.CenterCrop(size=20)),
    }
    (reading,) = read(video_folder, transforms=chain, scaling=scaling)
    assert reading.video.shape == (1, 3, 4, 20, 20)
    expected = torch.tensor([80 + 8 * i for i in reading.frames[0]])
    assert (reading.video[0, 1, :, 10, 15] - expected).abs().max() <= 3


class CountingDecoder:
    """The real decoder, counting how often a video is opened and read."""

    def __init__(self) -> None:
        self.inner = PyAV(PyAVConfig(index_cache=False))
        self.requests: list[int] = []
        self.given: list[torch.Tensor] = []

    def open(self, path: Any) -> Any:
        reader = self.inner.open(path)
        read = reader.read

        def counted(requests: Any) -> Any:
            self.requests.append(len(requests))
            self.given = read(requests)
            return self.given

        reader.read = counted  # type: ignore[method-assign]
        return reader


@pytest.mark.parametrize(
    ("changes", "readings"), [({"training": True, "repeats": 3}, 3), ({"views": Views(clips=2, crops=3)}, 1)]
)
def test_one_decoding_serves_all_repeats_and_views(video_folder: Path, changes: Make, readings: int) -> None:
    decoder = CountingDecoder()
    transforms = {"crop": CenterCrop(transform_config.CenterCrop(size=32)), "flip": Flip(transform_config.Flip())}
    assert len(read(video_folder, decoder=decoder, transforms=transforms, **changes)) == readings
    assert len(decoder.requests) == 1


def test_crops_of_overlapping_clips_are_cut_from_frames_that_were_made_once(video_folder: Path) -> None:
    decoder = CountingDecoder()
    (reading,) = read(video_folder, decoder=decoder, views=Views(clips=4, crops=3))
    assert decoder.requests == [12]  # in one reading
    with decoder.inner.open(video_folder / "up/0.mp4") as reader:
        frames = reader.frames(reading.frames.ravel().tolist()).unflatten(0, reading.frames.shape)
    for crop, left in enumerate((0, 32, 16)):
        expected = frames[..., 8:40, left : left + 32].transpose(1, 2)
        assert torch.equal(reading.video[crop::3], expected)


@pytest.mark.parametrize(("probability", "copied"), [(0.0, False), (1.0, True)])
def test_views_stay_where_the_decoder_wrote_them_unless_they_are_mirrored(
    video_folder: Path, probability: float, copied: bool
) -> None:
    decoder = CountingDecoder()
    transforms = {
        "crop": CenterCrop(transform_config.CenterCrop(size=32)),
        "flip": Flip(transform_config.Flip(probability=probability)),
    }
    first, second = read(video_folder, decoder=decoder, transforms=transforms, training=True, repeats=2)
    for reading, given in zip((first, second), decoder.given, strict=True):
        assert (reading.video.data_ptr() != given.data_ptr()) == copied
        expected = given.flip(-1) if copied else given
        assert torch.equal(reading.video[0].transpose(0, 1), expected)
    plain = {"crop": transforms["crop"]}
    (reading,) = read(video_folder, decoder=decoder, transforms=plain, views=Views(clips=3, crops=3))
    assert reading.video.data_ptr() == decoder.given[0].data_ptr()
    assert torch.equal(reading.video, torch.stack(decoder.given).transpose(1, 2))


def test_views_with_gaps_between_them_in_memory_are_copied(video_folder: Path) -> None:
    decoder = CountingDecoder()

    class Gaps:
        def open(self, path: Any) -> Any:
            reader = decoder.open(path)
            read = reader.read

            def with_gaps(requests: Any) -> Any:
                pictures = [tensor.permute(0, 2, 3, 1) for tensor in read(requests)]
                block = torch.stack([each for picture in pictures for each in (picture, torch.zeros_like(picture))])
                return list(block[::2].permute(0, 1, 4, 2, 3))

            reader.read = with_gaps
            return reader

    (reading,) = read(video_folder, decoder=Gaps(), views=Views(clips=3, crops=3))
    assert torch.equal(reading.video, torch.stack(decoder.given).transpose(1, 2))


def test_repeats_differ_from_each_other(video_folder: Path) -> None:
    options: Make = {
        "transforms": {"crop": RandomCrop(transform_config.RandomCrop(size=16))}, "training": True, "repeats": 2
    }  # fmt: skip
    first, second = read(video_folder, **options)
    assert not torch.equal(first.video, second.video)
    assert torch.equal(read(video_folder, **options)[1].video, second.video)


def test_testing_ignores_the_generator(video_folder: Path) -> None:
    transforms = {"crop": RandomCrop(transform_config.RandomCrop(size=16)), "flip": Flip(transform_config.Flip())}
    first, second = (read(video_folder, draws=rng(i), transforms=transforms)[0] for i in (1, 2))
    assert torch.equal(first.video, second.video)


def test_colour_draws_are_made_in_training_only(video_folder: Path) -> None:
    transforms = {"color": MadeBrightness(made_config.MadeBrightness())}
    assert read(video_folder, transforms=transforms, training=True)[0].draws["color"].shape == (1,)
    assert read(video_folder, transforms=transforms)[0].draws == {}


def test_part_of_a_video_is_all_that_is_read(video_folder: Path) -> None:
    (reading,) = read(video_folder, part=(10, 5))
    assert reading.frames.tolist() == [[10, 12, 14, 11]]  # 5 frames: the fourth goes on from the part's start
    with pytest.raises(DataError, match="the part that counts starts at frame 30, the video has 20 frames"):
        read(video_folder, part=(30, 5))


def test_too_small_video_is_told(video_folder: Path) -> None:
    with pytest.raises(DataError, match="a crop of 100x100 does not fit into frames of 64x48"):
        read(video_folder, transforms={"crop": CenterCrop(transform_config.CenterCrop(size=100))})


def test_made_data_set_names_the_video_that_cannot_be_used(video_folder: Path) -> None:
    small = {"crop": CenterCrop(transform_config.CenterCrop(size=100))}
    dataset = MadeFolders(made_config.MadeFolders(), context(video_folder, transforms=small))
    assert isinstance(dataset, Dataset)
    with pytest.raises(DataError, match=r"down/0\.mp4: a crop of 100x100 does not fit"):
        dataset.sample(SampleRef("", 0, 0), rng())


def test_facts_tell_the_shape_of_a_clip() -> None:
    config = made_config.MadeFolders(
        sampling=sampling_config.Dense(num_frames=8),
        transforms={"a": transform_config.Resize(short_side=64), "b": transform_config.CenterCrop(size=(32, 48))},
    )
    assert config.facts(Path("/nowhere")).inputs == {"video": (3, 8, 32, 48)}
    assert frame_size({"a": transform_config.CenterCrop(size=5), "b": object()}) == (None, None)


def test_movements_change_direction_when_they_are_mirrored() -> None:
    moves = torch.randint(0, 256, (4, 4, 6, 8), dtype=torch.uint8)  # x, y, x, y
    before = moves.clone()
    info = VideoInfo(num_frames=4, fps=0.0, width=8, height=6, timestamps=np.zeros(4), channels=4, moves=True)
    both = {
        "flip": Flip(transform_config.Flip(probability=1.0)),
        "down": Flip(transform_config.Flip(probability=1.0, direction="vertical")),
    }
    for names, turned in (
        (["flip"], moves.flip(-1)),
        (["down"], moves.flip(-2)),
        (["flip", "down"], moves.flip(-1, -2)),
    ):
        made = context(
            Path(),
            sampling=DenseSampling(sampling_config.Dense(num_frames=4, frame_interval=1)),
            transforms={name: both[name] for name in names},
            training=True,
        )
        reader = WholeFrames("flow", info, lambda numbers: moves[numbers])
        (reading,) = read_clips(reader, made, rng())
        expected = turned.clone()
        for first, name in enumerate(("flip", "down")):
            if name in names:
                expected[:, first::2] = 255 - expected[:, first::2]
        assert torch.equal(reading.video[0].transpose(0, 1), expected[reading.frames[0]]), names
        assert torch.equal(moves, before)
