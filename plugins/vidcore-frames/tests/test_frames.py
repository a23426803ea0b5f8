from __future__ import annotations

import io
import pickle
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vidcore.errors import DataError
from vidcore.interfaces import FrameView, VideoReader
from vidcore.testing import make_video
from vidcore.testing.made_videos import MadeVideo, h264, numbered_picture, read_number
from vidcore_frames.config import Frames
from vidcore_frames.decoders import FramesDecoder

PNG = Frames(template="img_{:05}.png")


def write_frames(
    folder: Path, numbers: range, template: str = "img_{:05}.png", width: int = 40, height: int = 24
) -> Path:
    """Frame `i` of the video carries the number `i`, whatever the number of its file."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame, number in enumerate(numbers):
        Image.fromarray(numbered_picture(frame, width, height)).save(folder / template.format(number))
    return folder


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    """Twelve frames, img_00001.png to img_00012.png."""
    return write_frames(tmp_path / "video", range(1, 13))


def numbers(reader: VideoReader, indices: list[int]) -> list[int]:
    return [read_number(frame.permute(1, 2, 0).numpy()) for frame in reader.frames(indices)]


def zipped(folder: Path, inside: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        for file in folder.iterdir():
            archive.write(file, inside + file.name)
    return path


def tarred(folder: Path, inside: str = "", mode: str = "w") -> Path:
    path = folder.with_suffix(".tar")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for file in folder.iterdir():
            archive.add(file, inside + file.name)
    return path


def refusal(path: Path | bytes, config: Frames = PNG) -> str:
    with pytest.raises(DataError) as caught, FramesDecoder(config).open(path) as reader:
        reader.frames(range(reader.info.num_frames))
    return str(caught.value)


@pytest.mark.parametrize("pack", [lambda folder: folder, zipped, tarred], ids=["folder", "zip", "tar"])
@pytest.mark.parametrize("first", [0, 1, 998])
def test_frames_are_counted_from_the_first_file(tmp_path: Path, pack: Callable[[Path], Path], first: int) -> None:
    folder = write_frames(tmp_path / "video", range(first, first + 12))
    (folder / "notes.txt").write_text("no frame")
    with FramesDecoder(Frames(template="img_{:05}.png", fps=25)).open(pack(folder)) as reader:
        assert numbers(reader, [11, 0, 5, 0]) == [11, 0, 5, 0]
        assert torch.equal(reader.frames([7])[0].permute(1, 2, 0), torch.from_numpy(numbered_picture(7, 40, 24)))
        info = reader.info
    assert (info.num_frames, info.width, info.height, info.fps, info.codec) == (12, 40, 24, 25.0, "png")
    assert info.timestamps[:3].tolist() == [0, 0.04, 0.08]


def test_numbers_go_on_beyond_their_digits(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "video", range(8, 20), "{:d}.png")
    (folder / "007.png").write_bytes(b"another way of naming, so no frame")
    with FramesDecoder(Frames(template="{}.png")).open(folder) as reader:
        assert numbers(reader, [0, 11]) == [0, 11]


def test_views_are_cut_from_the_frames(frames: Path) -> None:
    with FramesDecoder(PNG).open(frames) as reader:
        whole, cut = reader.read([([3], None), ([3], FrameView(crop=(8, 2, 10, 7)))])
    assert torch.equal(cut, whole[..., 2:9, 8:18])


def test_missing_frame_is_named(frames: Path) -> None:
    (frames / "img_00007.png").unlink()
    (frames / "img_00009.png").unlink()
    told = refusal(frames)
    assert told.startswith(f"{frames}: img_00007.png is missing, one of 2 between img_00001.png and img_00012.png")


def test_wrong_template_is_told_by_an_example(frames: Path) -> None:
    told = refusal(frames, Frames())
    assert "has no file such as img_00001.jpg, but 12 others such as img_00001.png. Set data.decoder.template" in told


def test_folder_without_files_is_refused(tmp_path: Path) -> None:
    assert "it is empty" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.write_bytes(b""), "img_00005.png: is empty (0 bytes)"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "img_00005.png: is damaged or cut short"),
        (lambda path: path.write_text("no picture"), "img_00005.png: is no picture that can be read"),
        (lambda path: Image.new("RGB", (24, 40)).save(path), "img_00005.png: is 24x40, the first frame 40x24"),
        (lambda path: Image.new("I;16", (40, 24)).save(path), "img_00005.png: has more than 8 bits a colour (I;16)"),
    ],
    ids=["empty", "cut", "text", "size", "depth"],
)
def test_unusable_picture_is_named_with_its_folder(frames: Path, spoil: Callable[[Path], object], told: str) -> None:
    spoil(frames / "img_00005.png")
    assert refusal(frames).startswith(f"{frames}/{told}")


def test_cut_jpeg_is_not_filled_up_with_grey(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "video", range(1, 4), "img_{:05}.jpg")
    cut = folder / "img_00002.jpg"
    cut.write_bytes(cut.read_bytes()[:-200])
    assert "img_00002.jpg: is damaged or cut short" in refusal(folder, Frames())


def test_huge_picture_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    assert "is no picture that can be read" in refusal(write_frames(tmp_path / "video", range(3)))


def test_missing_path_says_where_it_was_looked_for(tmp_path: Path) -> None:
    assert "nowhere: no such file or folder. Check the path in the list" in refusal(tmp_path / "nowhere")


def test_frames_may_lie_in_one_folder_of_an_archive(frames: Path) -> None:
    for path in (zipped(frames, "some/where/"), tarred(frames, "some/where/")):
        with FramesDecoder(PNG).open(path) as reader:
            assert numbers(reader, [4]) == [4]


def test_frames_in_two_folders_of_an_archive_are_refused(frames: Path) -> None:
    path = zipped(frames, "a/")
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(frames / "img_00001.png", "b/img_00001.png")
    assert "has frames in 2 folders ('a/', 'b/'); make one archive a video" in refusal(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_frame_that_is_twice_in_an_archive_is_refused(frames: Path) -> None:
    path = zipped(frames)
    with zipfile.ZipFile(path, "a") as archive:
        archive.write(frames / "img_00001.png", "img_00003.png")
    assert "has img_00003.png twice" in refusal(path)


def test_hostile_archive_reaches_nothing(tmp_path: Path, frames: Path) -> None:
    secret = write_frames(tmp_path / "secret", range(1)) / "img_00000.png"
    before = sorted(tmp_path.rglob("*"))
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            link = tarfile.TarInfo("img_00001.png")
            link.type, link.linkname = kind, str(secret)
            archive.addfile(link)
        upwards = tarfile.TarInfo("../../img_00002.png")
        upwards.size = (frames / "img_00005.png").stat().st_size
        archive.addfile(upwards, io.BytesIO((frames / "img_00005.png").read_bytes()))
    path = tmp_path / "hostile.tar"
    path.write_bytes(content.getvalue())
    with FramesDecoder(PNG).open(path) as reader:
        assert reader.info.num_frames == 1
        assert numbers(reader, [0]) == [4]
    path.unlink()
    assert sorted(tmp_path.rglob("*")) == before


def test_archive_that_is_cut_or_compressed_is_refused(frames: Path) -> None:
    path = zipped(frames)
    path.write_bytes(path.read_bytes()[:-30])
    assert "is a damaged archive" in refusal(path)
    path = tarred(frames)
    path.write_bytes(path.read_bytes()[:5000])
    assert str(path) in refusal(path)
    assert "is compressed as a whole" in refusal(tarred(frames, mode="w:gz"))


def test_damaged_member_of_a_zip_is_refused(frames: Path) -> None:
    path = zipped(frames)
    content = path.read_bytes()
    at = content.index((frames / "img_00004.png").read_bytes()) + 60
    path.write_bytes(content[:at] + bytes(9) + content[at + 9 :])
    assert "img_00004.png: cannot be read from the archive: Bad CRC-32" in refusal(path)


@pytest.mark.parametrize("channels_last", [True, False])
def test_arrays_are_videos(tmp_path: Path, channels_last: bool) -> None:
    video = np.stack([numbered_picture(i, 40, 24) for i in range(8)])
    stored = video if channels_last else video.transpose(0, 3, 1, 2)
    np.save(tmp_path / "a.npy", stored)
    np.savez(tmp_path / "one.npz", stored)
    np.savez(tmp_path / "two.npz", rgb=stored, depth=np.zeros(3))
    for name, key in (("a.npy", ""), ("one.npz", ""), ("two.npz", "rgb")):
        with FramesDecoder(Frames(array=key)).open(tmp_path / name) as reader:
            assert numbers(reader, [7, 2]) == [7, 2]
    assert "two.npz: has 2 arrays: rgb, depth. Set data.decoder.array" in refusal(tmp_path / "two.npz")


def test_array_of_objects_runs_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert "bad.npy: holds no array of frames" in refusal(tmp_path / "bad.npy")
    np.save(tmp_path / "float.npy", np.zeros((2, 8, 8, 3)))
    assert "float.npy: frames must be RGB uint8 [T, H, W, 3]" in refusal(tmp_path / "float.npy")


def test_image_is_a_video_of_one_frame_the_right_way_up(tmp_path: Path) -> None:
    picture = Image.fromarray(numbered_picture(5, 40, 24))
    turn = Image.Exif()
    turn[0x0112] = 6  # to be turned by 90 degrees clockwise
    picture.rotate(90, expand=True).save(tmp_path / "a.png", exif=turn)
    with FramesDecoder(PNG).open(tmp_path / "a.png") as reader:
        assert (reader.info.num_frames, reader.info.width, reader.info.height) == (1, 40, 24)
        assert numbers(reader, [0, 0]) == [5, 5]


def test_turned_frames_have_the_size_that_is_shown(tmp_path: Path) -> None:
    turn = Image.Exif()
    turn[0x0112] = 8
    Image.fromarray(numbered_picture(0, 40, 24)).save(tmp_path / "img_00001.png", exif=turn)
    with FramesDecoder(PNG).open(tmp_path) as reader:
        assert (reader.info.width, reader.info.height) == (24, 40)
        assert reader.frames([0]).shape == (1, 3, 40, 24)


def test_what_is_no_frames_goes_to_the_other_decoder(tmp_path: Path) -> None:
    path = MadeVideo(options=h264(), num_frames=5).write(tmp_path / "clip.mp4")
    with FramesDecoder(Frames()).open(path) as reader:
        assert reader.info.codec == "h264"
    with FramesDecoder(Frames()).open(path.read_bytes()) as reader:
        assert reader.info.num_frames == 5


def test_decoder_pickles_for_workers(frames: Path) -> None:
    with pickle.loads(pickle.dumps(FramesDecoder(PNG))).open(frames) as reader:
        assert reader.info.num_frames == 12


@pytest.mark.parametrize("template", ["img.jpg", "{:05}_{:05}.jpg", "a/{:05}.jpg", "img_{:5.2f}.jpg"])
def test_template_without_a_single_number_is_refused(template: str) -> None:
    with pytest.raises(ValueError, match=re.escape(template)):
        Frames(template=template)


def test_list_of_frame_folders_is_a_data_set(tmp_path: Path) -> None:
    from vidcore.data.building import build_context
    from vidcore.plugins import build
    from vidcore.testing import check_dataset
    from vidcore.values import SampleRef
    from vidcore_augment.sampling_config import Segments
    from vidcore_videos.config import VideoList

    for name in ("a", "b"):
        write_frames(tmp_path / name, range(1, 13))
    make_video(tmp_path / "c.mp4")
    (tmp_path / "list.txt").write_text("a 3 6 0\nb 0 12 1\nc.mp4 0 9 1\n")
    config = VideoList(list="list.txt", columns=("path", "offset", "frames", "label"))
    context = build_context(
        root=tmp_path,
        decoder=PNG,
        sampling=Segments(num_segments=3),
        transforms={},
        views=config.views,
    )
    dataset = build(config, context)
    check_dataset(dataset, indices=(0, 1, 2))
    (sample,) = dataset.sample(SampleRef("", 0, 0), np.random.default_rng(0))
    shown = [read_number(frame.permute(1, 2, 0).numpy()) for frame in sample.inputs["video"][0].transpose(0, 1)]
    assert shown == [4, 6, 8]
    (tmp_path / "a" / "img_00004.png").unlink()
    (finding,) = [one for one in dataset.check(deep=True) if one.level == "error"]
    assert finding.where.endswith("list.txt:1")
    assert "img_00004.png is missing" in finding.text
