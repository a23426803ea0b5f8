from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from vidcore.cli.main import cli
from vidcore.errors import DataError, VidcoreError
from vidcore.inference import Predictor
from vidcore.plugins import build, host
from vidcore.testing.made_plugins import write_plugin
from vidcore.weights.loading import load_weights
from vidcore.weights.reading import read_contract
from vidcore.weights.saving import save_weights
from vidcore_checkpoints import download
from vidcore_checkpoints.download import file_sha256

PLUGIN = """
    from vidcore.plugins import Component, hookimpl

    api = 1

    @hookimpl
    def vidcore_components():
        return [Component(kind=kind, name=name, config=f"vidcore_made_zoo.config:{cls}",
                          factory=f"vidcore_made_zoo.parts:{cls}")
                for kind, name, cls in [("model", "made-net", "Net"), ("dataset", "made-clips", "Clips"),
                                       ("task", "made-task", "Task"), ("metric", "made-top1", "Top1")]]

    @hookimpl
    def vidcore_recipes():
        return "vidcore_made_zoo:recipes"

    @hookimpl
    def vidcore_weights():
        return "vidcore_made_zoo:weights.toml"
"""

CONFIG = """
    from attrs import frozen
    from vidcore.config.base import DatasetConfig, Facts, ModelConfig

    @frozen(kw_only=True)
    class Net(ModelConfig):
        scale: float = 1.0

    @frozen(kw_only=True)
    class Clips(DatasetConfig):
        named: bool = True

        def facts(self, root):
            return Facts(classes=("dark", "bright") if self.named else None, inputs={"video": (3, 4, 8, 8)})

        def is_there(self, root):
            return (root / "count.txt").exists()

    @frozen(kw_only=True)
    class Task:
        middle: float = 127.0

    @frozen(kw_only=True)
    class Top1:
        pass
"""

PARTS = """
    import torch
    from attrs import evolve
    from torch import nn
    from vidcore.values import Batch, Prediction, Sample

    class Net(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.head = nn.Linear(3, config.num_classes)

        def forward(self, video):
            return self.head(video.mean(dim=(2, 3, 4)))

    class Clips:
        def __init__(self, config, context=None):
            self.classes = ("dark", "bright")
            self.root = context.root

        def __len__(self):
            return int((self.root / "count.txt").read_text())

        def sample(self, ref, rng):
            label = ref.index % 2
            shown = label if ref.index else 1 - label  # the first one is labelled wrongly
            video = torch.full((1, 3, 4, 8, 8), 250 * shown, dtype=torch.uint8)
            return [Sample(ref=ref, inputs={"video": video}, target={"label": label})]

        def check(self, deep=False):
            return []

    class Task:
        def __init__(self, config, classes):
            self.middle = config.middle

        def collate(self, samples):
            video = torch.cat([sample.inputs["video"] for sample in samples])
            label = torch.tensor([sample.target["label"] for sample in samples])
            refs, meta = [sample.ref for sample in samples], [sample.meta for sample in samples]
            return Batch(refs=refs, inputs={"video": video}, target={"label": label}, meta=meta, views=[1] * len(refs))

        def prepare(self, batch, rng, training):
            return evolve(batch, inputs={"video": batch.inputs["video"] - self.middle})

        def forward(self, model, batch):
            return model(**batch.inputs)

        def predict(self, outputs, batch):
            rows = zip(batch.refs, outputs.softmax(dim=1), batch.meta)
            return [Prediction(ref=ref, outputs={"scores": row}, meta=meta) for ref, row, meta in rows]

        def targets(self, batch):
            return ({"label": int(label)} for label in batch.target["label"])

    class Top1:
        def __init__(self, config, classes):
            self.right = []

        def update(self, prediction, target):
            self.right.append(int(prediction.outputs["scores"].argmax()) == target["label"])

        def compute(self):
            return {"top1": sum(self.right) / len(self.right)}

    def converted(state):
        return {key.removeprefix("cls_"): tensor for key, tensor in state.items()}
"""

RECIPE = """
    [about]
    published = [{ metric = "top1", value = 0.75, source = "the paper" }]
    [task]
    type = "made-task"
    [model]
    type = "made-net"
    [data.test]
    type = "made-clips"
    sampling = { type = "dense", num_frames = 4 }
    [metrics.accuracy]
    type = "made-top1"
"""

WEIGHTS = """
    [{name}]
    url = "{url}/{file}"
    sha256 = "{sha256}"
    recipe = "made-net-2"
    format = "vidcore_made_zoo.parts:converted"
    licence = "MIT"
    published = {{ top1 = 0.75 }}
"""


@pytest.fixture
def zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A plugin with a model, a recipe, published weights on a server of its own, and data; the cache is empty."""
    files, site = tmp_path / "files", tmp_path / "site"
    files.mkdir()
    weight = torch.tensor([[-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]])
    torch.save({"state_dict": {"cls_head.weight": weight, "cls_head.bias": torch.zeros(2)}}, files / "net_2022.pth")
    (tmp_path / "data").mkdir()
    (tmp_path / "data/count.txt").write_text("4")
    handler = partial(Quiet, directory=str(files))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}"
        sha256 = file_sha256(files / "net_2022.pth")[:8]
        tables = WEIGHTS.format(name="made-net-2", url=url, file="net_2022.pth", sha256=sha256)
        tables += WEIGHTS.format(name="made-net-lost", url=url, file="lost.pth", sha256="00000000")
        text = {"plugin.py": PLUGIN, "config.py": CONFIG, "parts.py": PARTS, "weights.toml": tables}
        write_plugin(site, "made-zoo", text | {"recipes/made-net-2.toml": RECIPE})
        monkeypatch.syspath_prepend(str(site))
        monkeypatch.setenv("VIDCORE_PLUGINS", "made-zoo,checkpoints")
        monkeypatch.setenv("VIDCORE_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.001)
        importlib.invalidate_caches()
        host.cache_clear()
        yield tmp_path
        server.shutdown()
        thread.join()
    host.cache_clear()
    for name in [name for name in sys.modules if name.startswith("vidcore_made_zoo")]:
        del sys.modules[name]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Keep the output of the tests clean."""


def vidcore(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


def error_of(result: Result) -> str:
    assert isinstance(result.exception, VidcoreError), result.output
    return str(result.exception)


def test_info_lists_what_is_published_and_what_is_here(zoo: Path) -> None:
    vidcore("weights", "download", "made-net-2")
    lines = vidcore("weights", "info").output.splitlines()
    assert [line.split() for line in lines] == [
        ["made-net-2", "made-zoo", "top1", "0.7500", "MIT", "here"],
        ["made-net-lost", "made-zoo", "top1", "0.7500", "MIT"],
    ]


def test_info_tells_of_published_weights_before_and_after_the_download(zoo: Path) -> None:
    before = vidcore("weights", "info", "made-net-2").output
    assert "plugin        vidcore-made-zoo 1.0" in before
    assert "published     top1 0.7500, as the authors state" in before
    assert "no: vidcore weights download made-net-2" in before
    vidcore("weights", "download", "made-net-2")
    after = vidcore("weights", "info", "made-net-2", "--keys").output
    assert "2 with 8 numbers (float32)" in after
    assert "cls_head.weight" in after and "2 x 3" in after


def test_info_tells_of_a_file_what_it_names(shared_data: Path) -> None:
    result = vidcore("weights", "info", shared_data / "checkpoints/mmengine_0.10.7_tiny.pth")
    assert result.exit_code == 0
    assert "saved by" in result.output and "someone else" in result.output
    assert (
        "mmengine.logging.history_buffer.HistoryBuffer: named by the file, neither imported nor called" in result.output
    )
    assert "meta.epoch" in result.output


def test_info_shows_the_contract_of_our_file(tmp_path: Path) -> None:
    classes = [f"class{index}" for index in range(20)]
    path = save_weights(tmp_path / "w.safetensors", {"a": torch.ones(1)}, {"classes": classes, "input": {"size": 224}})
    lines = {line.split("  ")[0]: line for line in vidcore("weights", "info", path).output.splitlines()}
    assert lines["contract.classes"].endswith("class7, and 12 more")
    assert lines["contract.input.size"].endswith("224")
    assert lines["saved by"].endswith("vidcore")


def test_unknown_name_is_told_with_the_nearest(zoo: Path) -> None:
    for command in ("info", "download"):
        message = error_of(vidcore("weights", command, "made-nte-2"))
        assert message == "made-nte-2: no such file, and no published weights of that name; did you mean 'made-net-2'?"


def test_download_goes_on_after_a_failure_and_exits_with_1(zoo: Path) -> None:
    result = vidcore("weights", "download", "--all-of", "made-zoo")
    assert result.exit_code == 1
    assert f"made-net-2: {zoo}/cache/weights/net_2022-" in result.output
    assert "lost.pth: the server answers 404 File not found" in result.output


def test_download_of_an_unknown_plugin_or_of_nothing_is_told(zoo: Path) -> None:
    assert error_of(vidcore("weights", "download", "--all-of", "made-zo")) == (
        "no plugin 'made-zo' brings weights; did you mean 'made-zoo'?"
    )
    result = vidcore("weights", "download")
    assert result.exit_code == 2 and "name the weights to fetch" in result.output


@pytest.mark.parametrize("arguments", [["made-net-2"], ["FILE"], ["COPY", "--recipe", "made-net-2"]])
def test_convert_writes_our_file_with_its_contract(arguments: list[str], zoo: Path) -> None:
    places = {"FILE": zoo / "files/net_2022.pth", "COPY": zoo / "copy.pth"}
    (zoo / "copy.pth").write_bytes((zoo / "files/net_2022.pth").read_bytes())
    output = zoo / "net.safetensors"
    command = [places.get(argument, argument) for argument in arguments]
    result = vidcore("weights", "convert", *command, "-o", output)
    assert result.exit_code == 0, result.output
    assert "2 of 2 tensors fit" in result.output
    contract = read_contract(output)
    assert contract["classes"] == ["dark", "bright"]
    assert contract["model"]["type"] == "made-net"
    assert contract["licence"] == ("" if "COPY" in arguments else "MIT")
    again = vidcore("weights", "convert", output, "-o", zoo / "again.safetensors", "--recipe", "made-net-2")
    assert again.exit_code == 0
    assert load_weights(build(vidcore_model()), zoo / "again.safetensors").missing == ()


def vidcore_model() -> object:
    from vidcore.config.loading import load_experiment

    return load_experiment("made-net-2").model


def test_convert_of_what_does_not_fit_writes_nothing(zoo: Path) -> None:
    torch.save({"cls_head.weight": torch.ones(9, 3)}, zoo / "other.pth")
    output = zoo / "net.safetensors"
    message = error_of(vidcore("weights", "convert", zoo / "other.pth", "-o", output, "--recipe", "made-net-2"))
    assert "head.weight (file [9, 3], model [2, 3])" in message
    assert not output.exists()


def test_convert_without_names_of_classes_takes_numbers_and_says_so(zoo: Path) -> None:
    changes = ["--set", "data.test.named=false", "--set", "model.num_classes=2"]
    result = vidcore("weights", "convert", "made-net-2", "-o", zoo / "net.safetensors", *changes)
    assert "the names of the classes are not known" in result.output
    assert read_contract(zoo / "net.safetensors")["classes"] == ["0", "1"]


def test_convert_takes_names_of_classes_from_the_checkpoint(zoo: Path) -> None:
    state = {"head.weight": torch.ones(2, 3), "head.bias": torch.ones(2)}
    torch.save({"state_dict": state, "meta": {"dataset_meta": {"classes": ["a", "b"]}}}, zoo / "mine.pth")
    changes = ["--set", "data.test.named=false", "--set", "model.num_classes=2", "--recipe", "made-net-2"]
    result = vidcore("weights", "convert", zoo / "mine.pth", "-o", zoo / "net.safetensors", *changes)
    assert result.exit_code == 0, result.output
    assert read_contract(zoo / "net.safetensors")["classes"] == ["a", "b"]


def test_convert_of_an_unknown_file_asks_for_the_recipe(zoo: Path) -> None:
    torch.save({"a": torch.ones(1)}, zoo / "other.pth")
    result = vidcore("weights", "convert", zoo / "other.pth", "-o", zoo / "net.safetensors")
    assert result.exit_code == 2
    assert "say with --recipe what it is for" in result.output


def test_verify_measures_the_published_figure_again(zoo: Path) -> None:
    result = vidcore("weights", "verify", "made-net-2", "--data", zoo / "data")
    assert result.exit_code == 0, (result.output, result.exception)
    assert ["top1", "0.7500", "0.7500", "+0.0000"] in [line.split() for line in result.output.splitlines()]
    assert "made-net-2: the stated figures are met within 0.005, on 4 samples" in result.output


def test_verify_exits_with_1_where_the_figure_is_another(zoo: Path) -> None:
    (zoo / "data/count.txt").write_text("8")
    result = vidcore("weights", "verify", "made-net-2", "--data", zoo / "data", "--output", zoo / "p.json")
    assert result.exit_code == 1
    assert ["top1", "0.8750", "0.7500", "+0.1250"] in [line.split() for line in result.output.splitlines()]
    assert "not as stated: top1" in result.output
    assert vidcore("weights", "verify", "made-net-2", "--data", zoo / "data", "--tolerance", "0.2").exit_code == 0


def test_verify_asks_for_the_data_before_it_fetches_weights(zoo: Path) -> None:
    (zoo / "data/count.txt").unlink()
    result = vidcore("weights", "verify", "made-net-2", "--data", zoo / "data")
    assert isinstance(result.exception, DataError)
    assert "data has not the data that made-net-2 is measured on" in str(result.exception)
    assert not (zoo / "cache").exists()


@pytest.mark.parametrize("source", ["made-net-2", "URL", "FILE"])
def test_predictor_takes_published_weights_by_name_address_and_file(source: str, zoo: Path) -> None:
    places = {"URL": host().weights["made-net-2"].url, "FILE": str(zoo / "files/net_2022.pth")}
    predictor = Predictor(weights=places.get(source, source), device="cpu")
    assert predictor.classes == ("dark", "bright")
    assert predictor.model.head.weight.tolist() == [[-1, -1, -1], [1, 1, 1]]


def test_predictor_fetches_a_file_of_vidcore_and_reads_its_contract(zoo: Path) -> None:
    vidcore("weights", "convert", "made-net-2", "-o", zoo / "files/ours.safetensors")
    address = host().weights["made-net-2"].url.replace("net_2022.pth", "ours.safetensors")
    predictor = Predictor(weights=address, device="cpu")
    assert predictor.promise.licence == "MIT"
    assert predictor.model.head.weight.tolist() == [[-1, -1, -1], [1, 1, 1]]


def test_predictor_of_a_foreign_file_asks_for_a_recipe(zoo: Path) -> None:
    torch.save({"head.weight": torch.ones(2, 3), "head.bias": torch.ones(2)}, zoo / "mine.pth")
    with pytest.raises(VidcoreError, match=r"mine\.pth has no contract.*Or name a recipe"):
        Predictor(weights=zoo / "mine.pth")
    assert Predictor("made-net-2", weights=zoo / "mine.pth", device="cpu").model.head.bias.tolist() == [1, 1]
