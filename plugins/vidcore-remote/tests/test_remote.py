from __future__ import annotations

import contextlib
import http.server
import io
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save

import vidcore_remote.plugin
from vidcore.config.places import place
from vidcore.data.building import build_context
from vidcore.data.sampling_config import Dense
from vidcore.data.video.config import PyAVConfig
from vidcore.data.video.pyav import PyAV
from vidcore.errors import DataError, WeightsError
from vidcore.plugins import build
from vidcore.testing import check_dataset, check_plugin, make_video
from vidcore.testing.made_videos import MadeVideo, h264, numbered_picture, read_number
from vidcore.weights.sources import fetch, read_checkpoint
from vidcore_frames.config import Frames
from vidcore_frames.decoders import FramesDecoder
from vidcore_remote.config import Remote
from vidcore_remote.paths import Places, RemotePath
from vidcore_videos.config import ClassFolders, VideoList


class Server(http.server.ThreadingHTTPServer):
    """Serves a folder on 127.0.0.1 and notes how many bytes it gave of each file."""

    def __init__(self, folder: Path, ranges: bool = True) -> None:
        self.folder, self.ranges, self.given = folder, ranges, list[tuple[str, int]]()
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """GET and HEAD, with requests for parts."""

    server: Server

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def do_GET(self) -> None:
        self._answer(send=True)

    def log_message(self, *message: object) -> None:
        pass

    def _answer(self, send: bool) -> None:
        file = self.server.folder / self.path.lstrip("/")
        if "forbidden" in self.path:
            return self.send_error(403)
        if not file.is_file():
            return self.send_error(404)
        content, wanted = file.read_bytes(), self.headers.get("Range", "")
        whole = len(content)
        if wanted and self.server.ranges:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or whole), whole - 1) + 1
            content = content[start:end]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{whole}")
        else:
            self.send_response(200)
        if self.server.ranges:
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("ETag", f'"{file.stat().st_mtime_ns}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if send:
            self.server.given.append((self.path, len(content)))
            with contextlib.suppress(ConnectionError):  # who asks may have heard enough
                self.wfile.write(content)
        return None


def serving(folder: Path, ranges: bool = True) -> Iterator[Server]:
    server = Server(folder, ranges)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "web").mkdir()
    yield from serving(tmp_path / "web")


@pytest.fixture
def memory() -> Iterator[str]:
    """The address of an empty folder in memory."""
    system = fsspec.filesystem("memory")
    yield "memory://data"
    system.store.clear()
    system.pseudo_dirs[:] = [""]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))


def put(address: str, content: bytes) -> None:
    with fsspec.open(address, "wb") as file:
        file.write(content)


def clip(folder: Path, **options: object) -> Path:
    return MadeVideo(options=h264(), **options).write(folder / "clip.mp4")  # type: ignore[arg-type]


def noisy(folder: Path, num_frames: int) -> Path:
    """A video that is large for its length, with a key frame every twelve frames."""
    noise = np.random.default_rng(0).integers(0, 255, (num_frames, 96, 160, 3), np.uint8)
    return make_video(
        folder / "clip.mp4",
        num_frames=num_frames,
        width=160,
        height=96,
        options={"x264-params": "keyint=12", "crf": "18", "preset": "ultrafast"},
        picture=lambda index, width, height: noise[index],
    )


def shown(frames: torch.Tensor) -> list[int]:
    return [read_number(frame.permute(1, 2, 0).numpy()) for frame in frames]


def test_plugin_keeps_its_promises() -> None:
    check_plugin(vidcore_remote.plugin)


def test_video_of_a_web_server_is_read_frame_by_frame(web: Server) -> None:
    clip(web.folder)
    with PyAV().open(f"{web.address}/clip.mp4") as reader:
        assert shown(reader.frames([40, 3, 40])) == [40, 3, 40]
    with pickle.loads(pickle.dumps(PyAV())).open(place(f"{web.address}/clip.mp4")) as reader:
        assert shown(reader.frames([7])) == [7]


def test_of_a_known_video_only_parts_are_asked_for(web: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidcore_remote.paths._BLOCK", 1 << 15)
    path = noisy(web.folder, num_frames=120)
    size = path.stat().st_size
    with PyAV().open(f"{web.address}/clip.mp4") as reader:
        first = reader.frames([60])
    web.given.clear()
    with PyAV().open(f"{web.address}/clip.mp4") as reader:
        assert torch.equal(reader.frames([60]), first)
    assert sum(given for _, given in web.given) < size / 4
    clip(web.folder)  # another video at the same address is looked at anew
    with PyAV().open(f"{web.address}/clip.mp4") as reader:
        assert reader.info.num_frames == 48


def test_list_and_videos_behind_an_address_are_a_data_set(web: Server) -> None:
    clip(web.folder)
    (web.folder / "list.txt").write_text("clip.mp4 run\n")
    (web.folder / "classes.txt").write_text("jump\nrun\n")
    config = VideoList(list="list.txt", classes="classes.txt")
    root = place(web.address)
    assert config.is_there(root)
    assert config.facts(root).classes == ("jump", "run")
    context = build_context(
        root=root,
        decoder=PyAVConfig(),
        sampling=Dense(num_frames=4, frame_interval=2),
        transforms={},
        views=config.views,
    )
    dataset = build(config, context)
    check_dataset(dataset)
    assert next(iter(dataset.check(deep=True))).text == "1 class has no video: 'jump'"


def test_class_folders_in_memory_are_a_data_set(tmp_path: Path, memory: str) -> None:
    content = clip(tmp_path).read_bytes()
    for name in ("run/a.mp4", "jump/deep/b.mp4"):
        put(f"{memory}/{name}", content)
    config = ClassFolders()
    context = build_context(
        root=place(memory),
        decoder=PyAVConfig(),
        sampling=Dense(num_frames=2),
        transforms={},
        views=config.views,
    )
    dataset = build(config, context)
    assert list(dataset.classes) == ["jump", "run"]
    assert [str(dataset.path(i)) for i in range(2)] == [f"{memory}/jump/deep/b.mp4", f"{memory}/run/a.mp4"]
    check_dataset(dataset, indices=(0, 1))


def test_frames_in_memory_are_videos(memory: str) -> None:
    pixels = [numbered_picture(i, 40, 24) for i in range(4)]
    for i, picture in enumerate(pixels):
        content = io.BytesIO()
        Image.fromarray(picture).save(content, "png")
        put(f"{memory}/video/img_{i:05}.png", content.getvalue())
    array = io.BytesIO()
    np.save(array, np.stack(pixels))
    put(f"{memory}/video.npy", array.getvalue())
    decoder = FramesDecoder(Frames(template="img_{:05}.png"))
    for name in ("video", "video.npy"):
        with decoder.open(f"{memory}/{name}") as reader:
            assert shown(reader.frames([3, 0])) == [3, 0]
    with pytest.raises(DataError, match="memory://data/nowhere: no such file or folder"):
        decoder.open(f"{memory}/nowhere")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere.mp4", "nowhere.mp4: no such video"),
        ("forbidden.mp4", "forbidden.mp4: cannot be read: the server answers 403"),
    ],
)
def test_what_a_server_refuses_is_a_bad_video(web: Server, name: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        PyAV().open(f"{web.address}/{name}")


def test_server_without_ranges_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidcore_remote.paths._BLOCK", 1 << 12)
    noisy(tmp_path, num_frames=24)
    for server in serving(tmp_path, ranges=False):
        with pytest.raises(DataError, match=r"clip\.mp4.*HTTP ranges"):
            PyAV().open(f"{server.address}/clip.mp4")


def test_scheme_that_needs_another_package_says_which() -> None:
    with pytest.raises(DataError, match=r"abfs|adlfs"):
        PyAV().open("abfs://bucket/clip.mp4")
    with pytest.raises(DataError, match="nonsense"):
        PyAV().open("nonsense://bucket/clip.mp4")


def test_weights_in_memory_are_copied_once_and_checked(memory: str) -> None:
    put(f"{memory}/w.safetensors", save({"a": torch.ones(3)}))
    path = fetch(f"{memory}/w.safetensors")
    assert torch.equal(read_checkpoint(path).state_dict["a"], torch.ones(3))
    assert fetch(f"{memory}/w.safetensors") == path
    with pytest.raises(WeightsError, match="SHA-256 hash"):
        fetch(f"{memory}/w.safetensors", sha256="00")
    with pytest.raises(WeightsError, match="memory://data/none cannot be fetched: No such file"):
        fetch(f"{memory}/none")


def test_addresses_are_joined_like_paths() -> None:
    root = RemotePath("https://host/data/")
    assert str(root / "a" / "../b.mp4") == "https://host/data/b.mp4"
    assert str(root / "") == "https://host/data"
    assert str(root / "s3://bucket/x") == "s3://bucket/x"
    assert str(RemotePath("memory://") / "x") == "memory://x"
    assert str(root.parent) == "https://host"
    video = root / "b.tar.mp4"
    assert (video.name, video.stem, video.suffix) == ("b.tar.mp4", "b.tar", ".mp4")
    assert video.relative_to(root) == "b.tar.mp4"
    assert pickle.loads(pickle.dumps(video)) == video
    assert Places(Remote()).accepts("s3://x")
    assert not Places(Remote()).accepts("/data/x")
