"""The predictor with a model that can be reckoned by hand: its logits are the mean of red, green and blue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from attrs import evolve
from safetensors.torch import save_file
from vidcore_made_task.config import MadeTask, MadeTopK, MadeVideos

from vidcore.config import Views, load_experiment, to_table
from vidcore.config.experiment import Data, Engine, Experiment
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import CenterCrop, Flip, RandomResizedCrop, Resize
from vidcore.data.video.config import PyAVConfig
from vidcore.engine.config import Constant, Sgd
from vidcore.engine.contract import weights_contract
from vidcore.engine.predictions import read_predictions
from vidcore.engine.runner import run
from vidcore.errors import ConfigError, DataError, RunError, WeightsError
from vidcore.inference import Predictor, array_reader
from vidcore.interfaces import FrameView
from vidcore.plugins import build, host
from vidcore.testing import make_video
from vidcore.testing.made_plugins import write_plugin
from vidcore.weights.saving import save_weights

CLASSES = ("red", "green", "blue")
PLUGIN = {
    "plugin.py": """
        from vidcore.plugins import Component, hookimpl
        from vidcore_made_task.config import COMPONENTS
        api = 1
        @hookimpl
        def vidcore_components():
            return [*COMPONENTS, Component(kind="model", name="colours", summary="mean colours",
                                            config="vidcore_colours.config:Colours",
                                            factory="vidcore_colours.model:Colours"),
                    Component(kind="sample-reader", name="colour-words", summary="words",
                              config="vidcore_colours.config:Words", factory="vidcore_colours.words:Words")]
        @hookimpl
        def vidcore_recipes():
            return "vidcore_colours:recipes"
        @hookimpl
        def vidcore_weights():
            return "vidcore_colours:weights.toml"
        """,
    "config.py": """
        from attrs import frozen
        from vidcore.config import ModelConfig
        @frozen(kw_only=True)
        class Colours(ModelConfig):
            '''Mean colours.'''
            sharpness: float = 1.0
        @frozen(kw_only=True)
        class Words:
            '''Words for colours.'''
            order: tuple[str, ...] = ()
        """,
    "words.py": """
        import torch
        from pathlib import Path
        from vidcore.values import Sample
        class Words:
            def __init__(self, config):
                self.order = config.order
            def read(self, path, ref):
                video = torch.zeros(1, 3, 2, 4, 4, dtype=torch.uint8)
                video[:, self.order.index(Path(path).read_text())] = 200
                return Sample(ref=ref, inputs={"video": video}, target={}, meta={"path": str(path)})
        """,
    "model.py": """
        from torch import nn
        class Colours(nn.Module):
            def __init__(self, config):
                super().__init__()
                self.sharpness = config.sharpness
                self.head = nn.Linear(3, config.num_classes)
            def forward(self, video):
                return self.head(video.mean(dim=(2, 3, 4))) * self.sharpness
        """,
    "recipes/colours-rgb.toml": """
        [task]
        type = "made-classes"
        mean = [0.0, 0.0, 0.0]
        std  = [255.0, 255.0, 255.0]
        [model]
        type = "colours"
        [data.val]
        type    = "made-videos"
        classes = ["red", "green", "blue"]
        [data.val.sampling]
        type = "dense"
        num_frames = 4
        [data.val.transforms.crop]
        type = "center-crop"
        size = 32
        """,
    "weights.toml": """
        [colours-published]
        url     = "https://example.org/colours_1.safetensors"
        recipe  = "colours-rgb"
        format  = "vidcore_colours.weights:convert"
        licence = "CC0"
        """,
    "weights.py": """
        def convert(state):
            return {key.removeprefix("net."): value for key, value in state.items()}
        """,
}


@pytest.fixture(autouse=True)
def colours_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    site = tmp_path / "site"
    write_plugin(site, "colours", PLUGIN)
    monkeypatch.syspath_prepend(str(site))
    host.cache_clear()
    yield
    host.cache_clear()


def colour(channel: int, width: int = 64, height: int = 48) -> np.ndarray[Any, np.dtype[np.uint8]]:
    frame = np.full((height, width, 3), 20, np.uint8)
    frame[..., channel] = 220
    return frame


def video(path: Path, channel: int, **options: Any) -> Path:
    return make_video(path, picture=lambda index, width, height: colour(channel, width, height), **options)


def experiment(**views: Any) -> Experiment:
    from vidcore_colours.config import Colours

    shown = MadeVideos(
        classes=CLASSES,
        sampling=Dense(num_frames=4, frame_interval=1),
        transforms={"resize": Resize(short_side=36), "crop": CenterCrop(size=32)},
        views=Views(**views),
    )
    return Experiment(
        task=MadeTask(mean=(0.0,) * 3, std=(255.0,) * 3),
        model=Colours(num_classes=3, sharpness=10.0),
        data=Data(decoder=PyAVConfig(index_cache=False), val=shown),
    )


def identity_state() -> dict[str, torch.Tensor]:
    return {"head.weight": torch.eye(3), "head.bias": torch.zeros(3)}


def saved(path: Path, **views: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_weights(path, identity_state(), weights_contract(experiment(**views), CLASSES))


def test_what_is_no_video_is_read_by_the_reader_that_the_data_set_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidcore_colours.config import Words

    monkeypatch.setattr(MadeVideos, "sample_reader", lambda self: Words(order=CLASSES))
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    assert predictor.promise.input.reader == Words(order=CLASSES)
    (tmp_path / "colour.txt").write_text("green")
    (prediction,) = predictor(tmp_path / "colour.txt")
    assert predictor.top_k(prediction, 1)[0][0] == "green"
    assert prediction.meta["path"] == str(tmp_path / "colour.txt")


def test_colours_of_videos_are_told_in_order(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    paths = [video(tmp_path / f"{name}.mp4", channel) for channel, name in enumerate(CLASSES)]
    found = list(predictor(paths))
    assert [predictor.top_k(prediction, 1)[0][0] for prediction in found] == list(CLASSES)
    assert [prediction.ref.index for prediction in found] == [0, 1, 2]
    assert [prediction.meta["path"] for prediction in found] == [str(path) for path in paths]


def test_one_path_gives_one_prediction_with_scores_that_sum_to_one(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    (prediction,) = predictor(str(video(tmp_path / "green.mp4", 1)))
    assert float(prediction.outputs["scores"].sum()) == pytest.approx(1.0)
    best = predictor.top_k(prediction, 5)
    assert best[0][0] == "green" and len(best) == 3
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)


def test_scores_are_those_of_the_model_by_hand(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu", precision="fp32")
    frames = torch.from_numpy(colour(0)).permute(2, 0, 1).expand(6, 3, 48, 64)
    (prediction,) = predictor(frames)
    expected = (torch.tensor([220.0, 20.0, 20.0]) / 255 * 10).softmax(0)
    torch.testing.assert_close(prediction.outputs["scores"], expected)


def test_file_and_its_frames_in_memory_agree(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors", clips=2, crops=3), device="cpu")
    path = make_video(tmp_path / "square.mp4", num_frames=12, width=96, height=64)
    with build(PyAVConfig(index_cache=False)).open(path) as reader:
        frames = reader.frames(range(reader.info.num_frames))
    of_file, of_frames = predictor(path), predictor(frames)
    torch.testing.assert_close(next(of_file).outputs, next(of_frames).outputs, atol=0.01, rtol=0)
    assert predictor.read(path).inputs["video"].shape == (6, 3, 4, 32, 32)


def test_bytes_of_a_file_are_taken_too(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    path = video(tmp_path / "blue.mp4", 2)
    of_file, of_bytes = predictor.predict(path), predictor.predict(path.read_bytes())
    assert torch.equal(of_file.outputs["scores"], of_bytes.outputs["scores"])
    with pytest.raises(DataError, match="video 0: <bytes>"):
        predictor.predict(b"this is no video")


def test_numpy_frames_are_taken_too(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    frames = np.stack([colour(2).transpose(2, 0, 1)] * 5)
    (prediction,) = predictor(frames)
    assert predictor.top_k(prediction, 1)[0][0] == "blue"


@pytest.mark.parametrize("merge", ["prob", "score", "none"])
def test_views_pushed_through_in_any_parts_give_the_same(tmp_path: Path, merge: str) -> None:
    path = make_video(tmp_path / "square.mp4", num_frames=24, width=96, height=64)
    results = []
    for parts in (1, 4, 30):
        weights = saved(tmp_path / f"{parts}.safetensors", clips=3, crops=3, merge=merge, max_per_forward=parts)
        (prediction,) = Predictor(weights=weights, device="cpu")(path)
        results.append(prediction.outputs["scores"])
    assert results[0].shape == ((9, 3) if merge == "none" else (3,))
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2])


def test_top_k_of_views_that_are_not_merged_is_that_of_their_mean(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors", clips=3, merge="none"), device="cpu")
    (prediction,) = predictor(video(tmp_path / "red.mp4", 0))
    assert predictor.top_k(prediction, 1)[0][0] == "red"


def test_run_gives_its_best_weights_else_its_last(tmp_path: Path) -> None:
    saved(tmp_path / "run" / "weights" / "last.safetensors", clips=1)
    assert Predictor(run=tmp_path / "run", device="cpu").promise.input.views.clips == 1
    saved(tmp_path / "run" / "weights" / "best.safetensors", clips=2)
    assert Predictor(run=tmp_path / "run", device="cpu").promise.input.views.clips == 2


def test_promise_is_what_the_experiment_said(tmp_path: Path) -> None:
    promise = Predictor(weights=saved(tmp_path / "w.safetensors", clips=4), device="cpu").promise
    assert promise.classes == CLASSES
    assert to_table(promise.task) == to_table(experiment().task)
    assert promise.model == experiment().model
    assert promise.input.sampling == Dense(num_frames=4, frame_interval=1)
    assert list(promise.input.transforms) == ["resize", "crop"]
    assert promise.plugins["vidcore-colours"] == "1.0"


def test_foreign_weights_with_a_recipe(tmp_path: Path) -> None:
    save_file(identity_state(), tmp_path / "foreign.safetensors")
    predictor = Predictor("colours-rgb", weights=tmp_path / "foreign.safetensors", device="cpu")
    (prediction,) = predictor(video(tmp_path / "blue.mp4", 2))
    assert predictor.top_k(prediction, 1)[0][0] == "blue"


def test_file_of_published_weights_is_known_by_its_name(tmp_path: Path) -> None:
    state = {f"net.{key}": value for key, value in identity_state().items()}
    save_file(state, tmp_path / "colours_1.safetensors")
    predictor = Predictor(weights=tmp_path / "colours_1.safetensors", device="cpu")
    assert predictor.classes == CLASSES
    assert torch.equal(predictor.model.head.weight, torch.eye(3))


def test_foreign_weights_without_a_recipe_say_what_is_missing(tmp_path: Path) -> None:
    save_file(identity_state(), tmp_path / "foreign.safetensors")
    with pytest.raises(WeightsError, match=r"foreign.safetensors has no contract.*Or name a recipe"):
        Predictor(weights=tmp_path / "foreign.safetensors")


def test_unknown_weights_name_the_nearest() -> None:
    with pytest.raises(WeightsError, match=r"colours-publishd: no such file.*did you mean 'colours-published'"):
        Predictor(weights="colours-publishd")


def test_contract_that_needs_another_plugin_names_it(tmp_path: Path) -> None:
    contract = weights_contract(experiment(), CLASSES)
    contract["model"] = {"type": "colors"}
    contract["task"]["top_q"] = 3
    save_weights(tmp_path / "w.safetensors", identity_state(), contract)
    with pytest.raises(WeightsError) as caught:
        Predictor(weights=tmp_path / "w.safetensors")
    assert "model.type: no model named 'colors'" in str(caught.value)
    assert "task.top_q: unknown key 'top_q'" in str(caught.value)
    assert "It was made with vidcore" in str(caught.value)


def test_folder_without_weights_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"the run folder .*nowhere does not exist"):
        Predictor(run=tmp_path / "nowhere")
    with pytest.raises(RunError, match="holds no weights yet"):
        Predictor(run=tmp_path)


def test_run_and_weights_together_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="either a run or weights"):
        Predictor(run=tmp_path, weights="x")
    with pytest.raises(ConfigError, match="give a run, weights, or a recipe"):
        Predictor()


def test_bad_video_is_named_and_others_can_go_on(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    text = tmp_path / "text.mp4"
    text.write_text("this is no video")
    with pytest.raises(DataError, match=r"text\.mp4"):
        predictor.predict(text)
    with pytest.raises(DataError, match=r"missing\.mp4"):
        list(predictor([tmp_path / "missing.mp4"]))
    assert predictor.top_k(predictor.predict(video(tmp_path / "red.mp4", 0)), 1)[0][0] == "red"


def test_odd_sizes_and_a_single_frame_are_fine(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors", clips=2, crops=3), device="cpu")
    for path in (
        video(tmp_path / "one.mp4", 0, num_frames=1),
        video(tmp_path / "odd.avi", 0, width=50, height=38, codec="mpeg4"),
    ):
        assert predictor.top_k(predictor.predict(path), 1)[0][0] == "red"


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.zeros(4, 3, 8, 8), r"got torch.float32 \[4, 3, 8, 8\]"),
        (torch.zeros(4, 8, 8, 3, dtype=torch.uint8), r"channels last, so give frames.permute\(0, 3, 1, 2\)"),
        (torch.zeros(3, 8, 8, dtype=torch.uint8), r"got torch.uint8 \[3, 8, 8\]"),
        (torch.zeros(0, 3, 8, 8, dtype=torch.uint8), "at least one"),
    ],
    ids=["floats", "channels-last", "one-picture", "empty"],
)
def test_wrong_frames_are_told(frames: torch.Tensor, message: str) -> None:
    with pytest.raises(DataError, match=message):
        array_reader(frames, "video 0")


def test_frames_in_memory_are_cropped_before_they_are_scaled() -> None:
    frames = torch.arange(64, dtype=torch.uint8).view(1, 1, 8, 8).expand(2, 3, 8, 8)
    crop = (2, 4, 4, 2)
    requests = [([1, 0, 1], FrameView(crop=crop)), ([0], FrameView(crop=crop, size=(4, 8)))]
    cut, scaled = array_reader(frames, "x").read(requests)
    assert torch.equal(cut, frames[[1, 0, 1], :, 4:6, 2:6])
    assert scaled.shape == (1, 3, 4, 8)


def test_prediction_is_drawn_by_the_task(tmp_path: Path) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors"), device="cpu")
    frames = torch.from_numpy(colour(0, 160, 120)).permute(2, 0, 1).expand(4, 3, 120, 160)
    (prediction,) = predictor(frames)
    assert predictor.task.draw([prediction], frames, [0.0] * 4).shape == frames.shape


@pytest.mark.parametrize("name", ["test.mp4", "test.avi", "demo.mp4", "test_video_structuralize.mp4"])
def test_real_videos_are_read(shared_data: Path, tmp_path: Path, name: str) -> None:
    predictor = Predictor(weights=saved(tmp_path / "w.safetensors", clips=2, crops=3), device="cpu")
    prediction = predictor.predict(shared_data / "videos" / name)
    assert torch.isfinite(prediction.outputs["scores"]).all()
    assert len(prediction.meta["frames"]) == 2


def test_recipe_loads_without_its_data() -> None:
    assert load_experiment("colours-rgb").model.num_classes == 3


def test_predictor_of_a_run_says_what_the_run_said(tmp_path: Path) -> None:
    for channel, name in enumerate(CLASSES):
        for number in range(2):
            video(tmp_path / "data" / name / f"{number}.mp4", channel, width=64 + 16 * number)
    shown = experiment(clips=2, crops=3, max_per_forward=4)
    from vidcore_colours.config import Colours

    train = MadeVideos(
        classes=CLASSES,
        batch_size=3,
        sampling=Dense(num_frames=4, frame_interval=1),
        transforms={"crop": RandomResizedCrop(size=32), "flip": Flip()},
    )
    data = evolve(shown.data, root=str(tmp_path / "data"), workers=0, train=train)
    trained = evolve(
        shown,
        model=Colours(num_classes=3),
        data=data,
        optimizer=Sgd(lr=0.1),
        schedule=Constant(),
        engine=Engine(epochs=1, device="cpu", precision="fp32"),
        metrics={"accuracy": MadeTopK(top_k=(1,))},
    )
    folder = run(trained, runs=tmp_path / "runs", name="colours").folder
    predictor = Predictor(run=folder, device="cpu", precision="fp32")
    said = read_predictions(folder / "predictions" / "test.jsonl").samples
    assert len(said) == 6
    for prediction, _ in said:
        assert torch.equal(predictor.predict(prediction.meta["path"]).outputs["scores"], prediction.outputs["scores"])
