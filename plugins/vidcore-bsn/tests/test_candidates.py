"""What stands between the two networks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vidcore.config.experiment import Data
from vidcore.data.building import build_dataset
from vidcore.data.video.config import PyAVConfig
from vidcore.errors import DataError, WeightsError
from vidcore.testing import check_dataset
from vidcore.values import SampleRef
from vidcore_bsn.candidates import (
    COLUMNS,
    Description,
    describe,
    find_candidates,
    read_candidates,
    read_curves,
    write_candidates,
)
from vidcore_bsn.config import CandidateFeatures, ProposalEvaluation
from vidcore_bsn.dataset import CandidateDataset
from vidcore_bsn.generation import write_for_video
from vidcore_bsn.methods import fit_loss
from vidcore_bsn.weights import pem_from_mmaction2, tem_from_mmaction2

CURVES = np.array([[0.1, 0.2, 0.1], [0.9, 0.9, 0.1], [0.9, 0.1, 0.2], [0.8, 0.1, 0.9], [0.1, 0.1, 0.1]])


def test_candidates_are_pairs_of_boundaries_best_first() -> None:
    table = find_candidates(CURVES, np.array([[0.3, 0.7]]))
    assert table[0].tolist() == pytest.approx([0.3, 0.7, 0.9, 0.9, 0.81, 1.0, 1.0])
    assert (np.diff(table[:, 4]) <= 0).all()
    assert (table[:, 0] < table[:, 1]).all()


def test_candidates_without_truth_match_nothing() -> None:
    assert not find_candidates(CURVES, np.zeros((0, 2)))[:, 5:].any()


def test_description_is_high_within_action_and_lower_outside() -> None:
    (values,) = describe(np.array([0, 0, 1, 1, 1, 0, 0.0]), np.array([[2 / 7, 5 / 7]]), Description())
    assert values.shape == (32,)
    assert values[4:12].min() > 0.9  # middle of the action
    assert values[16] < values[23] and values[24] > values[31]  # rises around the start, falls around the end


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    table = find_candidates(CURVES, np.array([[0.3, 0.7]]))
    write_candidates(tmp_path / "a.csv", table)
    np.testing.assert_allclose(read_candidates(tmp_path / "a.csv"), table, atol=1e-7)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tmin,tmax\n0,1\n", "has the columns tmin, tmax; expected tmin, tmax, tmin_score"),
        (f"{','.join(COLUMNS)}\n0.1,0.2,1,1,1,0,0\n0.5,0.4,1,1,1,0,0\n", r"a\.csv:3: candidate 0\.5 \.\.\. 0\.4 is no"),
        (f"{','.join(COLUMNS)}\n0.1,nan,1,1,1,0,0\n", r"a\.csv:2: candidate 0\.1 \.\.\. nan is no"),
        (f"{','.join(COLUMNS)}\n0.1,x,1,1,1,0,0\n", "cannot be read as a table of candidates"),
        (f"{','.join(COLUMNS)}\n", "cannot be read as a table of candidates: it has no row"),
        (
            f"{','.join(COLUMNS)}\n1,20,1,1,1,0,0\n",
            r"a\.csv:2: candidate 1 \.\.\. 20 lies outside the video, 0 \.\.\. 1",
        ),
    ],
)
def test_wrong_tables_are_told_by_row(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=told):
        read_candidates(tmp_path / "a.csv")


def test_curves_of_another_form_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("start,end,action\n0,0,0\n")
    with pytest.raises(DataError, match="should have finite columns action, start, end"):
        read_curves(tmp_path / "a.csv")


def test_a_video_name_leads_into_no_other_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be a file's name"):
        write_for_video(tmp_path / "out", "../a", CURVES, None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    row = {"duration_second": 10.0, "annotations": [{"segment": [3.0, 7.0], "label": "run"}]}
    (tmp_path / "anno.json").write_text(json.dumps({"a": row, "b": row}))
    assert write_for_video(tmp_path, "a", CURVES, np.array([[0.3, 0.7]])) == 4
    return tmp_path


def built(folder: Path, **options: int) -> CandidateDataset:
    config = CandidateFeatures(annotations="anno.json", **options)  # type: ignore[arg-type]
    dataset = build_dataset(Data(root=str(folder), decoder=PyAVConfig(), val=config), "val")
    assert isinstance(dataset, CandidateDataset)
    return dataset


def test_data_set_keeps_the_contract(folder: Path) -> None:
    dataset = built(folder, top_k=2)
    check_dataset(dataset)
    (finding,) = dataset.check(deep=True)
    assert finding.where.endswith("anno.json: b") and "pgm_proposals/b.csv is not there" in finding.text
    (sample,) = dataset.sample(SampleRef("", 0, 0), np.random.default_rng(0))
    assert sample.inputs["candidates"].shape == (2, 32)
    assert sample.target["iou"][0] == 1.0


def test_features_that_do_not_fit_their_candidates_are_told(folder: Path) -> None:
    np.save(folder / "pgm_features/a.npy", np.zeros((1, 32)))
    _, finding = built(folder).check(deep=True)
    assert "describes 1 candidates" in finding.text
    np.save(folder / "pgm_features/a.npy", np.zeros((400, 32)))  # of another run
    with pytest.raises(DataError, match=r"a\.npy: describes 400 candidates, .*a\.csv has \d+"):
        built(folder).sample(SampleRef("", 0, 0), np.random.default_rng(0))
    np.save(folder / "pgm_features/a.npy", np.zeros((4, 20)))
    with pytest.raises(DataError, match=r"has shape \[4, 20\], expected \[P, 32\]"):
        built(folder).sample(SampleRef("", 0, 0), np.random.default_rng(0))


def test_balance_leaves_low_candidates_out_where_high_ones_are_few() -> None:
    iou, predicted = torch.tensor([0.9, 0.1, 0.1, 0.1, 0.1]), torch.tensor([0.9, 0.1, 0.1, 0.1, 0.9])
    kept = torch.tensor([0.0, 0.9, 0.9, 0.1, 0.1])
    drawn = torch.stack([kept, kept])
    assert float(fit_loss(predicted, iou, drawn, ProposalEvaluation())) == 0.0
    assert float(fit_loss(predicted, iou, drawn, ProposalEvaluation(as_published=True))) > 0.0


def test_keys_of_another_network_are_refused() -> None:
    for convert in (tem_from_mmaction2, pem_from_mmaction2):
        with pytest.raises(WeightsError, match=r"'backbone\.conv1\.weight' is not of a"):
            convert({"backbone.conv1.weight": torch.zeros(1)})
