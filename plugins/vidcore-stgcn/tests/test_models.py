"""The networks and their converter; recorded figures of them are checked by tests/reference/models.py."""

from __future__ import annotations

import pytest
import torch
from attrs import evolve

from vidcore.errors import ConfigError, WeightsError
from vidcore.plugins import build
from vidcore.testing import check_model
from vidcore_skeleton.layouts import Layout
from vidcore_stgcn.config import Agcn, Stgcn
from vidcore_stgcn.weights import from_mmaction2

STGCNPP = {"graph": "spatial", "edges": "learned", "residual": True, "temporal": "branches"}


def small(cls, **options):
    return evolve(cls.example(), **options)


@pytest.mark.parametrize(
    "config",
    [
        small(Stgcn, **STGCNPP),
        small(Stgcn, edges="fixed", max_hop=2, data_norm="none", layout=Layout(joints=3, edges=((1, 0), (2, 1)))),
        small(Stgcn, edges="shifted", gather="before"),
        small(Agcn, attention=True, layout="openpose", in_channels=2, persons=1),
    ],
    ids=["stgcnpp", "fixed", "shifted", "attention"],
)
def test_variants_keep_the_contract_of_models(config):
    check_model(config)


def test_shapes_of_stages():
    config = small(Stgcn, persons=3, layout="nturgb+d")
    pose = torch.randn(2, 3, 8, 25, 3)
    model = build(config)
    assert [tuple(x.shape[1:]) for x in model.features(pose)] == [(3, 16, 8, 25), (3, 32, 8, 25), (3, 32, 4, 25)]
    assert model(pose).shape == (2, 4)


def test_missing_person_changes_nothing_of_the_other_without_norm_over_persons():
    model = build(small(Stgcn)).eval()
    pose = torch.randn(1, 2, 8, 17, 3)
    alone = pose * torch.tensor([1.0, 0.0]).view(1, 2, 1, 1, 1)
    torch.testing.assert_close(model.features(pose)[-1][:, 0], model.features(alone)[-1][:, 0])


def test_joint_hears_its_neighbours_only():
    config = small(Stgcn, num_stages=1, widen_at=(), stride_at=(), data_norm="none")
    graph = build(config).eval().stages[0].graph
    x = torch.zeros(1, 3, 4, 17)
    moved = x.clone()
    moved[..., 9] = 1.0  # a wrist
    changed = (graph(moved) - graph(x)).abs().sum(dim=(0, 1, 2)) > 0
    assert set(changed.nonzero().flatten().tolist()) <= {7, 9}  # its elbow and itself


def graph_convs(*options: dict[str, str]) -> list[torch.nn.Module]:
    configs = [small(Stgcn, num_stages=1, widen_at=(), stride_at=(), **one) for one in options]
    return [build(config).eval().stages[0].graph for config in configs]


def test_joints_may_be_gathered_before_the_linear_layer():
    after, before = graph_convs({"gather": "after"}, {"gather": "before"})
    weight = after.conv.weight.detach()[:, :, 0, 0].unflatten(0, (len(after.graph), -1))  # [S, C', C]
    before.conv.weight.data = weight.transpose(0, 1).flatten(1)[:, :, None, None]
    x = torch.randn(1, 3, 4, 17)
    torch.testing.assert_close(before(x), after(x))


def test_edges_that_are_added_start_as_the_graph_itself():
    fixed, shifted = graph_convs({"edges": "fixed"}, {"edges": "shifted"})
    shifted.load_state_dict(fixed.state_dict(), strict=False)
    x = torch.randn(1, 3, 4, 17)
    torch.testing.assert_close(shifted(x), fixed(x), atol=1e-4, rtol=0)
    shifted.edge_weights.data += 0.5
    assert not torch.allclose(shifted(x), fixed(x), atol=1e-2)


def test_data_of_another_kind_is_told_early():
    assert list(Stgcn().check_inputs({"pose": (2, 100, 17, None)})) == []
    assert list(Stgcn().check_inputs({"pose": (1, 100, 25, 2)})) == [
        "the data has 1 persons, the model 2",
        "the data has 25 joints, the model 17",
        "the data has 2 channels, the model 3",
    ]
    (told,) = Agcn().check_inputs({"video": (3, 8, 224, 224)})
    assert told == "the model looks at skeletons (`pose`), the data gives video"


def test_keys_of_other_architectures_are_refused():
    with pytest.raises(WeightsError, match=r"backbone\.layer1\.0\.conv1\.conv\.weight"):
        from_mmaction2({"backbone.layer1.0.conv1.conv.weight": torch.zeros(1)})


def test_unknown_class_count_cannot_be_built():
    with pytest.raises(ConfigError, match="num_classes is not known"):
        build(small(Stgcn, num_classes=None))
