"""Canvas, moments and scenes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vidcore.data.video.pyav import PyAV
from vidcore.interfaces import VideoInfo
from vidcore.testing import check_plugin, make_video
from vidcore_visual import plugin
from vidcore_visual.moments import runs, shown_at, usual_reach
from vidcore_visual.painting import Canvas, room_for
from vidcore_visual.scenes import Look, open_scene, shown_frames, shown_size
from vidcore_visual.sheet import columns_of


def test_plugin_keeps_its_promises() -> None:
    check_plugin(plugin)


@pytest.mark.parametrize(("size", "letters"), [((120, 160), 10), ((1080, 1920), 41), ((1920, 1080), 41)])
def test_letters_can_be_read_at_every_size(size: tuple[int, int], letters: int) -> None:
    canvas = Canvas(size)
    assert canvas.text_size == letters
    canvas.text((0, 0), "Ag", (255, 255, 255))
    left, top, right, bottom = canvas.image.getbbox()
    assert bottom - top >= 0.6 * letters and right - left >= letters


def test_long_names_are_cut_in_the_middle_and_keep_their_score() -> None:
    canvas = Canvas((120, 160))
    text = canvas.shortened("talk to (e.g., self, a person, a group) 71%", 100)
    assert text.startswith("talk to") and text.endswith("… 71%") and canvas.font.getlength(text) <= 100


def test_only_what_is_drawn_changes_frames() -> None:
    frames = torch.full((2, 3, 40, 60), 100, dtype=torch.uint8)
    canvas = Canvas((40, 60))
    assert torch.equal(canvas.over(frames), frames)
    canvas.fill((10, 20, 19, 29), (200, 0, 0), 0.5)
    painted = canvas.over(frames)
    assert painted[1, :, 25, 15].tolist() == [150, 50, 50]
    painted[:, :, 20:30, 10:20] = 100
    assert torch.equal(painted, frames)


def test_a_plate_is_moved_inside_and_off_what_is_there() -> None:
    wanted = [(90.0, -10.0, 130.0, 5.0), (90.0, 50.0, 130.0, 65.0)]
    assert room_for(wanted, [], (100, 100)) == ((60.0, 0.0, 100.0, 15.0), 0.0)
    assert room_for(wanted, [(0.0, 0.0, 70.0, 10.0)], (100, 100)) == ((60.0, 50.0, 100.0, 65.0), 0.0)
    full = [(0.0, 0.0, 100.0, 10.0), (0.0, 55.0, 100.0, 100.0)]
    assert room_for(wanted, full, (100, 100)) == ((60.0, 0.0, 100.0, 15.0), 400.0)  # rather than 600


def test_the_nearest_prediction_is_shown_within_reach() -> None:
    centres = [1.0, 2.0, 6.0, 7.0, 8.0]
    reach = usual_reach(centres)
    assert reach == 0.5
    shown = shown_at(centres, [0.4, 0.5, 1.4, 1.6, 3.0, 6.1], reach)
    assert shown == [-1, 0, 0, 1, -1, 2]
    assert list(runs(shown)) == [
        (-1, slice(0, 1)),
        (0, slice(1, 3)),
        (1, slice(3, 4)),
        (-1, slice(4, 5)),
        (2, slice(5, 6)),
    ]
    assert shown_at([], [1.0]) == [-1]


def info(times: Sequence[float], fps: float) -> VideoInfo:
    return VideoInfo(num_frames=len(times), fps=fps, width=64, height=48, timestamps=np.array(times, np.float64))


def test_frames_are_shown_when_they_were_even_where_they_come_unevenly() -> None:
    uneven = info([5.0, 5.1, 5.2, 6.0, 6.1], fps=5.0)
    frames, fps = shown_frames(uneven, Look(fps=5.0))
    assert fps == 5.0 and frames == [0, 2, 2, 2, 2, 3]
    assert shown_frames(info([0.0], 25.0), Look()) == ([0], 25.0)
    few, _ = shown_frames(info([i / 10 for i in range(100)], 10.0), Look(frames=4))
    assert few == [12, 37, 62, 87]


def test_sizes_are_even_and_small_videos_are_enlarged() -> None:
    assert shown_size((64, 96), Look()) == (214, 320)
    assert shown_size((1080, 1920), Look()) == (720, 1280)
    assert shown_size((1920, 1080), Look(side=160)) == (160, 90)


def test_a_sheet_has_few_empty_places() -> None:
    assert columns_of(12, 90, 160) == 4 and columns_of(12, 100, 100) == 4 and columns_of(1, 90, 160) == 1


class Clock:
    """A layer that paints how far it has come."""

    num_frames, size = 11, (100, 100)

    def over(self, frames: Tensor, places: Sequence[float]) -> Tensor:
        painted = frames.clone()
        for frame, place in zip(painted, places, strict=True):
            frame[:] = round(place * 100)
        return painted


def test_a_layer_is_seen_alone_and_over_a_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", num_frames=21, fps=10)
    for path, count in ((None, 11), (video, 21)):
        with open_scene(path, Clock(), PyAV(), Look()) as scene:
            shown = torch.cat([frames for frames, _ in scene.parts()])
            assert scene.fps == (10 if path else 30)
        assert shown.shape[0] == count == len(scene.seconds)
        assert shown[:, 0, 0, 0].tolist() == [round(100 * i / (count - 1)) for i in range(count)]
