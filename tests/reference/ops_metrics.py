"""vidcore's answers to the vectors of classification: metrics, losses, blending, normalising, merging of views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from attrs import define, field

from vidcore.values import Prediction, SampleRef
from vidcore_detection.padding import common_size, pad_to
from vidcore_recognition.losses.classification import BceLoss, CrossEntropyLoss, NllLoss
from vidcore_recognition.losses.config import Bce, ClassBalancedFocal, CrossEntropy, GroupedBce, Nll
from vidcore_recognition.losses.grouped import GroupedBceLoss
from vidcore_recognition.losses.long_tailed import ClassBalancedFocalLoss
from vidcore_recognition.metrics import config as configs
from vidcore_recognition.metrics.accuracy import top_k_accuracy
from vidcore_recognition.metrics.confusion import class_accuracies, confusion_matrix, mean_class_accuracy, normalized
from vidcore_recognition.metrics.fusion import fuse_scores, softmax
from vidcore_recognition.metrics.precision import MeanAveragePrecision, PerSampleMap, precision_recall
from vidcore_recognition.mixing import cut_box, cutmix, lam_of, mixup
from vidcore_tasks.pixels import Normalize
from vidcore_tasks.views import merge_views


def top_k(params: dict[str, Any], inputs: dict[str, Any]) -> list[float]:
    return [top_k_accuracy(inputs["scores"], inputs["labels"], k) for k in params["topk"]]


def top_k_with_ties(case: dict[str, Any]) -> list[str]:
    """The reference's own figure hangs on an unstable sort: ours lies between the bounds."""
    scores, labels, expected = case["inputs"]["scores"], case["inputs"]["labels"], case["expected"]
    wrong = []
    for k in case["params"]["topk"]:
        low, high = expected[f"top{k}_pessimistic"], expected[f"top{k}_optimistic"]
        if not low - 1e-9 <= (ours := top_k_accuracy(scores, labels, k)) <= high + 1e-9:
            wrong.append(f"top{k} is {ours}, not within {low} ... {high}")
    ours = mean_class_accuracy(confusion_matrix(scores.argmax(1), labels), "true-or-predicted")
    if abs(ours - expected["mean_class_accuracy"]) > 1e-6:
        wrong.append(f"mean_class_accuracy is {ours}, not {expected['mean_class_accuracy']}")
    return wrong


def top_k_classes(case: dict[str, Any]) -> list[str]:
    """Best or worst classes. The reference names rows of a shrunken matrix, and orders equal ones by chance."""
    predicted, labels = case["inputs"]["scores"].argmax(1), case["inputs"]["labels"]
    accuracies = np.nan_to_num(class_accuracies(confusion_matrix(predicted, labels)))
    k, best = case["params"]["k"], case["params"]["mode"] == "accurate"
    wanted = sorted(accuracies.tolist(), reverse=best)[:k]
    theirs = case["expected"]
    wrong = [] if np.allclose([value for _, value in theirs], wanted) else [f"accuracies are {wanted}, not {theirs}"]
    return wrong + [f"row {row} is {accuracies[row]}, not {value}" for row, value in theirs if accuracies[row] != value]


def confusion(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    matrix = confusion_matrix(inputs["y_pred"], inputs["y_real"])
    return matrix if params["normalize"] is None else normalized(matrix, params["normalize"])


def class_mean(params: dict[str, Any], inputs: dict[str, Any]) -> float:
    return mean_class_accuracy(confusion_matrix(inputs["scores"].argmax(1), inputs["labels"]), "true-or-predicted")


def multi_label(make: Callable[[list[str]], Any]) -> Callable[[Any, Any], float]:
    """An op that feeds a metric sample by sample."""

    def answer(params: dict[str, Any], inputs: dict[str, Any]) -> float:
        scores, labels = np.asarray(inputs["scores"]), np.asarray(inputs["labels"])
        metric = make([f"class {i}" for i in range(scores.shape[1])])
        for i, (row, wanted) in enumerate(zip(scores, labels, strict=True)):
            metric.update(Prediction(ref=SampleRef("", 0, i), outputs={"scores": row}), {"labels": wanted})
        (value,) = metric.compute().values()
        return float(value)

    return answer


def curve(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """The reference runs from full recall to (1, 0)."""
    with np.errstate(invalid="ignore"):  # without a positive, recall is nan
        ours = precision_recall(np.asarray(inputs["score"]), np.asarray(inputs["label"]) == 1)
    return {
        "precision": np.append(ours.precision[::-1], 1.0),
        "recall": np.append(ours.recall[::-1], 0.0),
        "thresholds": ours.thresholds[::-1],
    }


def fuse(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "weighted": fuse_scores(inputs["scores"], params["coefficients"]),
        "weighted_after_softmax": fuse_scores([softmax(one) for one in inputs["scores"]], params["coefficients"]),
        "softmax_first": softmax(inputs["scores"][0]),
    }


def fused_top1(params: dict[str, Any], inputs: dict[str, Any]) -> float:
    streams = [softmax(one) for one in inputs["scores"]] if params["apply_softmax"] else inputs["scores"]
    return top_k_accuracy(fuse_scores(streams, params["coefficients"]), inputs["labels"], 1)


def whole_confusion(params: dict[str, Any], inputs: dict[str, Any]) -> Any:
    """Rows of classes that do not occur are kept."""
    return confusion_matrix(inputs["scores"].argmax(1), inputs["labels"], params["num_classes"])


def two_streams(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, float]:
    """Figures of each stream and of three weighted sums of them."""
    streams, labels = [inputs["rgb"], inputs["pose"]], inputs["labels"]
    mixed = {f"RGBPose_{a}:{b}": fuse_scores(streams, (a, b)) for a, b in ((1, 1), (2, 1), (1, 2))}
    figures: dict[str, float] = {}
    for name, scores in {"rgb": streams[0], "pose": streams[1], **mixed}.items():
        figures |= {f"{name}_top{k}": top_k_accuracy(scores, labels, k) for k in params["topk"]}
        matrix = confusion_matrix(scores.argmax(1), labels)
        figures[f"{name}_mean1"] = mean_class_accuracy(matrix, "true-or-predicted")
    return figures


def with_gradient(make: Callable[[dict[str, Any]], torch.nn.Module]) -> Callable[[Any, Any], dict[str, Any]]:
    """An op that answers a loss and its gradient at the scores."""

    def answer(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        scores = torch.tensor(inputs["score"], requires_grad=True)
        loss = make(params)(scores, torch.tensor(inputs["label"]))
        loss.backward()
        return {"loss": loss, "grad": scores.grad}

    return answer


def grouped_loss(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """The reference hands on which labels are known in masks, vidcore as nan."""
    options = GroupedBce(
        groups=tuple(params["category_nums"]),
        group_weights=tuple(map(float, params["category_loss_weights"])),
        average="classes" if params["loss_type"] == "all" else "groups",
        unknown="skip" if params["with_mask"] else "negative",
        reduction=params["reduction"],
    )
    loss, scores = GroupedBceLoss(options), torch.tensor(inputs["score"])
    labels = torch.tensor(inputs["label"])
    if params["with_mask"]:
        labels = labels.masked_fill(torch.tensor(inputs["mask"]) == 0, torch.nan)
    answer: dict[str, Any] = {"loss_cls": loss(scores, labels)}
    parts = zip(params["categories"], loss.group_losses(scores, labels), loss.shares(labels), strict=True)
    for name, part, share in parts if params["loss_type"] == "individual" else ():
        answer |= {f"{name}_LOSS": part, f"{name}_LOSS_weight": share}
    return answer


def _balanced(params: dict[str, Any]) -> ClassBalancedFocalLoss:
    return ClassBalancedFocalLoss(
        ClassBalancedFocal(
            samples=tuple(params["samples_per_cls"]),
            beta=params["beta"],
            gamma=params["gamma"],
            weight=params.get("loss_weight", 1.0),
        )
    )


def _loss_options(params: dict[str, Any]) -> dict[str, Any]:
    return {"weight": params.get("loss_weight", 1.0), "class_weights": tuple(params.get("class_weight", ()))}


def head_loss(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    loss = CrossEntropyLoss(CrossEntropy(label_smoothing=params["label_smooth_eps"]))
    scores, labels = inputs["score"], inputs["label"]
    hard = np.ndim(labels) == 1
    accuracies = {f"top{k}_acc": top_k_accuracy(scores, labels, k) for k in params["topk"] if hard}
    return {**accuracies, "loss_cls": loss(torch.tensor(scores), torch.tensor(labels))}


def average_clip(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """The reference gives mean logits for "score" where vidcore gives their softmax; null leaves logits apart."""
    logits = torch.tensor(inputs["score"]).unflatten(0, (-1, params["num_segs"]))  # [N, V, K]
    if params["average_clips"] is None:
        return {"out": logits}
    merged = torch.stack(
        [merge_views(views, params["average_clips"], lambda rows: rows.softmax(dim=-1)) for views in logits]
    )
    if params["average_clips"] == "prob":
        return {"out": merged}
    lost_by_softmax = logits.mean(dim=1).logsumexp(dim=-1, keepdim=True)
    return {"out": merged.log() + lost_by_softmax}


@define
class _Blend:
    pixels: torch.Tensor
    soft: torch.Tensor
    permutation: torch.Tensor
    lam: float = field()

    @classmethod
    def of(cls, params: dict[str, Any], inputs: dict[str, Any]) -> _Blend:
        soft = F.one_hot(torch.tensor(inputs["label"]), params["num_classes"]).float()
        return cls(torch.tensor(inputs["imgs"]), soft, torch.tensor(inputs["permutation"]), inputs["lam"])


def mixup_blending(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    blend = _Blend.of(params, inputs)
    return {
        "imgs": mixup(blend.pixels, blend.permutation, blend.lam),
        "label": mixup(blend.soft, blend.permutation, blend.lam),
    }


def cutmix_blending(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    blend = _Blend.of(params, inputs)
    height, width = blend.pixels.shape[-2:]
    box = cut_box(width, height, blend.lam, (inputs["cx"], inputs["cy"]))
    return {
        "box_x1y1x2y2": box,
        "imgs": cutmix(blend.pixels, blend.permutation, box),
        "label": mixup(blend.soft, blend.permutation, lam_of(box, width, height)),
    }


def preprocess(params: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
    """vidcore decodes to RGB, so the swap of channels is done here; NCHW samples hold frames first."""
    if "pad_size_divisor" in params:
        clips = [torch.tensor(one) for one in inputs["inputs"]]
        size = common_size(clips, params["pad_size_divisor"])
        padded = torch.stack([pad_to(clip, size) for clip in clips])
        black = -padded.shape[2] % params["pad_size_divisor"]  # the divisor there rounds up channels too
        return {"out": torch.nn.functional.pad(padded, (0, 0, 0, 0, 0, black))}
    videos = torch.stack([torch.tensor(one) for one in inputs["inputs"]])
    channels = -3 if params["format_shape"] == "NCHW" else -4
    pixels = videos.movedim(channels, 1)
    pixels = pixels.flip(1) if params["to_rgb"] else pixels
    return {"out": Normalize(params["mean"], params["std"])(pixels).movedim(1, channels)}


OPS = {
    "top_k_accuracy": top_k,
    "mean_class_accuracy": class_mean,
    "confusion_matrix": confusion,
    "mean_average_precision": multi_label(
        lambda classes: MeanAveragePrecision(configs.MeanAveragePrecision(), classes)
    ),
    "mmit_mean_average_precision": multi_label(
        lambda classes: PerSampleMap(configs.PerSampleMap(unlabelled="nan"), classes)
    ),
    "binary_precision_recall_curve": curve,
    "get_weighted_score": fuse,
    "fused_top1": fused_top1,
    "ConfusionMatrix": whole_confusion,
    "AccMetric_rgb_pose": two_streams,
    "CrossEntropyLoss": with_gradient(lambda params: CrossEntropyLoss(CrossEntropy(**_loss_options(params)))),
    "BCELossWithLogits": with_gradient(lambda params: BceLoss(Bce(**_loss_options(params)))),
    "NLLLoss": with_gradient(lambda params: NllLoss(Nll(**_loss_options(params)))),
    "CBFocalLoss": with_gradient(_balanced),
    "HVULoss": grouped_loss,
    "BaseHead.loss": head_loss,
    "average_clip": average_clip,
    "MixupBlending": mixup_blending,
    "CutmixBlending": cutmix_blending,
    "ActionDataPreprocessor": preprocess,
}
CHECKS = {"top_k_accuracy_with_ties": top_k_with_ties, "top_k_classes": top_k_classes}
