"""Made videos with annotations that are right, and many that are wrong in the ways that annotations are."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from vidcore.config import Data
from vidcore.data.building import build_dataset
from vidcore.data.sampling_config import Dense
from vidcore.data.transform_config import Flip
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import ConfigError, DataError
from vidcore.randomness import Purpose, generator
from vidcore.testing import make_video
from vidcore.values import Sample, SampleRef
from vidcore_ava.commands import ava
from vidcore_ava.config import Ava
from vidcore_ava.dataset import read_bank
from vidcore_ava.evaluation import read_results, read_truth
from vidcore_ava.label_maps import ava_labels, classes_of
from vidcore_ava.proposals import read_proposals
from vidcore_detection.datasets import KeyFrameDataset
from vidcore_detection.sampling_config import KeyFrame

ROWS = """film,1,0.1,0.2,0.5,0.9,12,0
film,1,0.1,0.2,0.5,0.9,17,0
film,1,0.6,0.2,0.9,0.9,2,1
film,2,0.1,0.2,0.5,0.9,80,0
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    make_video(tmp_path / "videos" / "film.mp4", num_frames=30, fps=10)
    (tmp_path / "a.csv").write_text(ROWS)
    return tmp_path


def make(root: Path, split: str = "val", **options: Any) -> KeyFrameDataset:
    table: dict[str, Any] = {
        "annotations": "a.csv",
        "folder": "videos",
        "start_seconds": 0.0,
        "sampling": KeyFrame(num_frames=4, frame_interval=2),
    }
    data = Data(root=str(root), decoder=PyAVConfig(index_cache=False), **{split: Ava(**(table | options))})
    dataset = build_dataset(data, split)
    assert isinstance(dataset, KeyFrameDataset)
    return dataset


def first(dataset: KeyFrameDataset, index: int = 0) -> Sample:
    return dataset.sample(SampleRef("", 0, index), generator(0, Purpose.SAMPLE))[0]


def labels(sample: Sample) -> list[list[int]]:
    return [row.nonzero().flatten().tolist() for row in sample.target["labels"]]


def test_rows_of_one_box_are_its_labels() -> None:
    names = [label.name for label in ava_labels()]
    assert (len(names), names[11], names[79]) == (80, "stand", "watch (a person)")
    assert sum(label.evaluated for label in ava_labels()) == 60


def test_training_has_every_label_and_testing_those_that_are_evaluated(root: Path) -> None:
    assert labels(first(make(root, "train"))) == [[11, 16], [1]]
    assert labels(first(make(root))) == [[11, 16]]  # crawl (2) is not among the 60


def test_clip_stands_around_the_annotated_second(root: Path) -> None:
    sample = first(make(root))
    assert sample.meta["key_frame"] == 10
    assert sample.meta["frames"] == [[6, 8, 10, 12]]
    assert sample.meta["timestamp"] == 1


def test_only_some_labels_count_and_are_renumbered(root: Path) -> None:
    dataset = make(root, "train", only=(17, 12))
    assert dataset.classes == ("carry/hold (an object)", "stand")
    assert [labels(first(dataset, index)) for index in range(len(dataset))] == [[[0, 1]]]


def test_excluded_key_frames_are_gone(root: Path) -> None:
    (root / "exclude.csv").write_text("film,0001\nother,5\n")
    dataset = make(root, exclude="exclude.csv")
    assert [first(dataset, index).meta["timestamp"] for index in range(len(dataset))] == [2]


def test_mirrored_clip_mirrors_its_boxes(root: Path) -> None:
    sample = first(make(root, "train", transforms={"flip": Flip(probability=1.0)}))
    assert sample.target["regions"][0].tolist() == pytest.approx([32.0, 9.6, 57.6, 43.2])
    assert sample.target["boxes"][0].tolist() == pytest.approx([0.1, 0.2, 0.5, 0.9])


PROPOSALS = {"film,0001": [[0.1, 0.2, 0.5, 0.8, 0.95], [0, 0, 1, 1, 0.2]], "film,0002": [[0.2, 0.2, 0.4, 0.4, 0.3]]}


@pytest.mark.parametrize("suffix", [".json", ".csv", ".pkl"])
def test_proposals_of_every_form_give_the_same_boxes(root: Path, suffix: str) -> None:
    path = root / f"p{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps(PROPOSALS))
    elif suffix == ".pkl":
        path.write_bytes(pickle.dumps(PROPOSALS))
    else:
        rows = [f"{key},{','.join(map(str, row))}" for key, boxes in PROPOSALS.items() for row in boxes]
        path.write_text("\n".join(rows))
    dataset = make(root, proposals=path.name)
    found = [first(dataset, index).target["proposals"].tolist() for index in range(2)]
    assert found[0] == [pytest.approx([0.1, 0.2, 0.5, 0.8])]
    assert found[1] == [pytest.approx([0.2, 0.2, 0.4, 0.4])]  # none is sure enough: the best one


def test_without_proposals_the_annotated_boxes_are_looked_at_in_testing(root: Path) -> None:
    assert first(make(root)).target["proposals"].tolist() == [pytest.approx([0.1, 0.2, 0.5, 0.9])]
    assert len(first(make(root, "train")).target["proposals"]) == 0


class Hostile:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('executed')",)


def test_hostile_pickle_executes_nothing(root: Path) -> None:
    (root / "p.pkl").write_bytes(pickle.dumps({"film,0001": Hostile()}))
    with pytest.raises(DataError, match=r"p\.pkl"):
        read_proposals(root / "p.pkl")


def test_proposals_of_other_videos_are_refused(root: Path) -> None:
    (root / "p.json").write_text(json.dumps({"another,0001": [[0, 0, 1, 1]]}))
    with pytest.raises(DataError, match=r"it is about other videos, such as 'another' at second 1, not 'film' at 1"):
        make(root, proposals="p.json")


@pytest.mark.parametrize(
    ("box", "text"),
    [
        ([0.5, 0.2, 0.1, 0.9, 0.99], r"p\.json: film,1: row 1: the box \[0\.5, .* is empty: x2 must be above x1"),
        ([50, 20, 90, 80, 0.99], r"p\.json: film,1: row 1: .* reaches far beyond the frame"),
    ],
)
def test_proposals_that_make_no_sense_are_told_and_left_out_when_asked(
    root: Path, box: list[float], text: str, caplog: pytest.LogCaptureFixture
) -> None:
    (root / "p.json").write_text(json.dumps({"film,0001": [[0.1, 0.2, 0.5, 0.8, 0.95], box]}))
    with pytest.raises(DataError, match=text):
        make(root, proposals="p.json")
    dataset = make(root, proposals="p.json", bad_rows="skip")
    assert "1 proposals make no sense and are left out, the first: " in caplog.text
    assert first(dataset).target["proposals"].tolist() == [pytest.approx([0.1, 0.2, 0.5, 0.8])]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("film,1,0.1,0.2,1.5,0.9,12,0", r"a\.csv:5: the box \[0\.1, 0\.2, 1\.5, 0\.9\] reaches far beyond the frame"),
        ("film,1,1.0,0.2,1.02,0.9,12,0", r"a\.csv:5: the box .* lies outside the frame"),
        ("film,1,0.5,0.2,0.1,0.9,12,0", r"a\.csv:5: the box .* is empty: x2 must be above x1"),
        ("film,1,0.1,nan,0.5,0.9,12,0", r"a\.csv:5: the box 0\.1,nan,0\.5,0\.9 has cells that are no numbers"),
        ("film,1,0.1,0.2,0.5,0.9,81,0", r"a\.csv:5: label '81' is no number from 1 to 80"),
        ("film,soon,0.1,0.2,0.5,0.9,12,0", r"a\.csv:5: expected video,second,x1"),
        ("film,1,0.1,0.2,0.5", r"a\.csv:5: has 5 cells"),
        ("film,1,0.1,0.2,0.5,0.9,12,he", r"a\.csv:5: person 'he' is no whole number"),
    ],
)
def test_row_that_makes_no_sense_is_told_and_left_out_when_asked(root: Path, row: str, text: str) -> None:
    (root / "a.csv").write_text(ROWS + row + "\n")
    with pytest.raises(DataError, match=text):
        make(root)
    dataset = make(root, bad_rows="skip")
    assert len(dataset) == 2
    assert [f"{finding.where}: {finding.level}" for finding in dataset.check()][:1] == [f"{root}/a.csv:5: error"]


def test_box_a_little_beyond_the_frame_is_cut_off_with_a_warning(root: Path) -> None:
    (root / "a.csv").write_text("film,1,-0.01,0.2,0.5,1.02,12,0\n")
    dataset = make(root)
    assert first(dataset).target["boxes"].tolist() == [pytest.approx([0.0, 0.2, 0.5, 1.0])]
    assert [(finding.level, finding.where) for finding in dataset.check()][:1] == [("warning", f"{root}/a.csv:1")]


def test_second_outside_the_video_names_row_and_video(root: Path) -> None:
    (root / "a.csv").write_text("film,9,0.1,0.2,0.5,0.9,12,0\n")
    dataset = make(root)
    with pytest.raises(DataError, match=r"film\.mp4: .*a\.csv:1: timestamp 9 is second 9 of the file, which lasts 3"):
        first(dataset)
    assert [finding.level for finding in dataset.check(deep=True)][:1] == ["error"]


def test_name_of_a_cut_video_tells_its_first_second(root: Path) -> None:
    make_video(root / "videos" / "clip_000010_000013.mp4", num_frames=30, fps=10)
    (root / "a.csv").write_text("clip,11.5,0.1,0.2,0.5,0.9,12,0\nfilm,901,0.1,0.2,0.5,0.9,12,0\n")
    dataset = make(root, start_in_name=True, start_seconds=900.0)
    assert [first(dataset, index).meta["key_frame"] for index in range(2)] == [15, 10]


def test_missing_videos_are_counted_or_refused(root: Path) -> None:
    (root / "a.csv").write_text(ROWS + "gone,1,0.1,0.2,0.5,0.9,12,0\n")
    dataset = make(root)
    assert len(dataset) == 2
    assert [finding.text for finding in dataset.check() if "no file of video gone" in finding.text]
    with pytest.raises(DataError, match="1 of 2 videos"):
        make(root, missing="fail")


def test_sampling_without_key_frames_is_refused(root: Path) -> None:
    with pytest.raises(ConfigError, match=r"data\.val\.sampling: boxes belong to a key frame"):
        make(root, sampling=Dense())


def test_label_map_without_a_number_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.pbtxt").write_text('item {\n  name: "a"\n  id: 1\n}\nitem {\n  name: "b"\n}\n')
    with pytest.raises(DataError, match=r"m\.pbtxt:5: a label needs"):
        classes_of("m.pbtxt", (), tmp_path)
    (tmp_path / "m.txt").write_text("1: a\n3: a\n")
    assert classes_of("m.txt", (), tmp_path).names == ("a (1)", "label 2", "a (3)")


def test_bank_of_the_reference_is_read(shared_data: Path) -> None:
    bank = read_bank(Ava(annotations="a.csv", bank="lfb_unittest.pkl", bank_window=3), shared_data / "lfb")
    assert bank is not None
    video, seconds = next(iter(bank.spans.items()))
    second = next(iter(seconds))
    found = bank.around(video, second, None)
    assert found.shape == (15, bank.features.shape[1]) and found[5].any()


def test_a_file_that_is_no_bank_is_told(root: Path) -> None:
    (root / "bank.pkl").write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(DataError, match=r"bank\.pkl is no feature bank; expected video -> second -> features"):
        make(root, bank="bank.pkl")
    torch.save({"film": {1: torch.full((2, 4), torch.nan)}}, root / "nan.pt")
    with pytest.raises(DataError, match=r"nan\.pt: the bank has numbers that are not finite for film at 1"):
        make(root, bank="nan.pt")
    for content, told in (
        ({"film": {"soon": torch.ones(2, 4)}}, "the bank has 'soon' as a second of film; expected a whole number"),
        ({"film": {1: ["x"]}}, "the bank has no numbers for film at 1"),
    ):
        (root / "bank.pkl").write_bytes(
            pickle.dumps({"film": {"soon": np.ones((2, 4))}} if "soon" in told else content)
        )
        with pytest.raises(DataError, match=rf"bank\.pkl: {told}"):
            make(root, bank="bank.pkl")


@pytest.mark.parametrize("precision", [torch.float16, torch.float32])
def test_a_bank_keeps_its_precision_and_may_have_seconds_without_anybody(root: Path, precision: torch.dtype) -> None:
    rows = [torch.ones(4, dtype=precision), torch.zeros(4, dtype=precision)]  # as a list, which MMAction2 wrote too
    torch.save({"film": {1: rows, 2: [], 3: torch.ones(4, dtype=precision)}}, root / "bank.pt")
    bank = read_bank(Ava(annotations="a.csv", bank="bank.pt", bank_window=3, bank_features=2), root)
    assert bank is not None and bank.features.dtype == precision
    assert bank.around("film", 2, None).sum(dim=1).tolist() == [4.0, 0.0, 0.0, 0.0, 4.0, 0.0]


def test_a_bank_of_other_videos_is_refused_and_one_with_gaps_told(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save({"another": {1: torch.zeros(2, 4)}}, root / "other.pt")
    with pytest.raises(DataError, match=r"other\.pt has features around none of the 2 key frames .* such as 'another'"):
        make(root, bank="other.pt")
    torch.save({"film": {90: torch.zeros(2, 4)}}, root / "late.pt")
    with pytest.raises(DataError, match="about other seconds"):
        make(root, bank="late.pt")
    torch.save({"film": {2: torch.ones(2, 4)}}, root / "gaps.pt")
    with caplog.at_level(logging.WARNING, logger="vidcore.ava"):
        dataset = make(root, bank="gaps.pt", bank_window=1)
    assert "gaps.pt has no features around 1 of 2 key frames, such as 'film' at second 1" in caplog.text
    assert not first(dataset).inputs["bank"].any() and first(dataset, 1).inputs["bank"].any()


def test_results_of_another_label_map_are_not_measured(root: Path) -> None:
    (root / "results.csv").write_text("film,1,0.1,0.2,0.5,0.9,12,0.5\nfilm,1,0.1,0.2,0.5,0.9,99,0.5\n")
    done = CliRunner().invoke(ava, ["evaluate", str(root / "results.csv"), str(root / "a.csv")])
    assert isinstance(done.exception, DataError)
    assert f"{root}/results.csv: the label map has no label 99" in str(done.exception)
    (root / "results.csv").write_text("film,1,0.1,0.2,0.5,0.9,1.5,0.5\n")
    with pytest.raises(DataError, match=r"results\.csv:1: the label 1\.5 is no number of an action"):
        read_results(root / "results.csv")


@pytest.mark.parametrize(
    ("box", "told"),
    [
        ("10,20,50,90", r"the box \[10\.0, 20\.0, 50\.0, 90\.0\] reaches far beyond the frame: shares are from 0 to 1"),
        ("0.5,0.2,0.1,0.9", r"the box \[0\.5, 0\.2, 0\.1, 0\.9\] is empty: x2 must be above x1"),
    ],
)
def test_boxes_of_results_and_truth_that_make_no_sense_are_not_measured(root: Path, box: str, told: str) -> None:
    (root / "wrong.csv").write_text(f"film,1,0.1,0.2,0.5,0.9,12,0.5\nfilm,1,{box},12,0.5\n")
    for read in (read_results, read_truth):
        with pytest.raises(DataError, match=rf"wrong\.csv:2: {told}"):
            read(root / "wrong.csv")
