from __future__ import annotations

import pytest
import torch
from torchvision.models import resnet18

from vidcore.errors import WeightsError
from vidcore_resnet.blocks3d import Stem3d, make_stages
from vidcore_resnet.config import ResNet2D
from vidcore_resnet.frames import FrameResNet
from vidcore_resnet.plans import plan_stages
from vidcore_resnet.weights import convert_keys, from_torchvision, inflate, inflate_resnet, rename_mmaction2


def test_torchvision_weights_give_torchvisions_answer():
    theirs = resnet18(num_classes=7).eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(module.running_mean, std=0.1)
            torch.nn.init.uniform_(module.running_var, 0.5, 2.0)
    ours = FrameResNet(ResNet2D(depth=18, num_classes=7)).eval()
    ours.load_state_dict(from_torchvision(theirs.state_dict()))
    image = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(ours(image.unsqueeze(2)), theirs(image), rtol=1e-5, atol=1e-5)


def test_inflated_kernel_answers_a_still_video_like_the_image():
    kernel, image = torch.randn(4, 3, 3, 3), torch.randn(1, 3, 8, 8)
    still = image.unsqueeze(2).expand(-1, -1, 5, -1, -1)
    video = torch.nn.functional.conv3d(still, inflate(kernel, 3))
    torch.testing.assert_close(video[:, :, 1], torch.nn.functional.conv2d(image, kernel), rtol=1e-5, atol=1e-5)


def test_channels_that_an_image_has_not_start_at_zero():
    inflated = inflate(torch.ones(2, 3, 1, 1), frames=2, in_channels=5)
    assert inflated.shape == (2, 5, 2, 1, 1)
    assert inflated[:, :3].eq(0.5).all() and not inflated[:, 3:].any()
    with pytest.raises(WeightsError, match="3 input channels does not fit a layer that has 2"):
        inflate(torch.ones(2, 3, 1, 1), frames=1, in_channels=2)


def video_shapes(inflation=("1x1x1", "1x1x1", "3x1x1", "3x1x1"), depth=18) -> dict[str, tuple[int, ...]]:
    strides = {"spatial_strides": (1, 2, 2, 2), "temporal_strides": (1,) * 4, "dilations": (1,) * 4}
    plans = plan_stages(depth=depth, base_channels=64, inflation=inflation, **strides)
    net = torch.nn.ModuleDict({"stem": Stem3d(3, 64), "stages": make_stages(64, plans)})
    return {f"slow.{key}": tuple(value.shape) for key, value in net.state_dict().items()}


def test_image_resnet_fills_every_tensor_of_the_video_resnet():
    images = resnet18().state_dict()
    shapes = video_shapes()
    inflated = inflate_resnet(images, shapes, prefix="slow.")
    assert {key: tuple(value.shape) for key, value in inflated.items()} == shapes
    kernel = inflated["slow.stages.2.blocks.0.conv1.conv.weight"]
    torch.testing.assert_close(kernel.sum(dim=2), images["layer3.0.conv1.weight"])


def test_image_resnet_of_another_depth_is_refused():
    with pytest.raises(WeightsError, match=r"the image network has slow\.stages\.0\.blocks\.1\.conv1\.conv\.weight"):
        inflate_resnet(resnet18().state_dict(), video_shapes(depth=10), prefix="slow.")
    narrow = {key: (shape[0] // 2, *shape[1:]) for key, shape in video_shapes().items() if shape}
    with pytest.raises(WeightsError, match="inflated, the video network has"):
        inflate_resnet(resnet18().state_dict(), narrow, prefix="slow.")


def test_unknown_keys_are_named():
    state = {"layer1.0.conv1.conv.weight": torch.zeros(1), "layer1.0.se.weight": torch.zeros(1)}
    with pytest.raises(WeightsError, match=r"1 unknown keys \(layer1\.0\.se\.weight\)"):
        convert_keys(state, rename_mmaction2)


def test_two_keys_of_one_tensor_are_refused():
    with pytest.raises(WeightsError, match="collide"):
        convert_keys({"a": torch.zeros(1), "b": torch.zeros(1)}, lambda key: "same")


def test_pairwise_projection_of_a_non_local_block_loses_its_image_axes():
    state = {"layer2.0.non_local_block.concat_project.conv.weight": torch.zeros(1, 8, 1, 1)}
    assert convert_keys(state, rename_mmaction2)["stages.1.non_local.0.project.weight"].shape == (1, 8)
