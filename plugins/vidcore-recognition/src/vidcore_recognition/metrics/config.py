"""Options of the metrics."""

from __future__ import annotations

from typing import Literal

from attrs import field, frozen
from attrs.validators import and_, deep_iterable, ge, min_len


@frozen(kw_only=True)
class Accuracy:
    """The share of samples whose class is among the k highest scores, as `top1`, `top5`."""

    top_k: tuple[int, ...] = field(default=(1, 5), validator=and_(min_len(1), deep_iterable(ge(1))))


@frozen(kw_only=True)
class MeanClassAccuracy:
    """The accuracy within each class, averaged over classes, as `mean_class_accuracy`."""

    # "true": classes that have samples. "true-or-predicted": a class that is predicted though no sample has it counts
    # as accuracy 0, as in MMAction2; the value then depends on which mistakes a model makes, not only on how many
    over: Literal["true", "true-or-predicted"] = "true"


@frozen(kw_only=True)
class MeanAveragePrecision:
    """Average precision of each class over all samples, averaged over classes that have a sample, as `map`."""

    per_class: bool = False  # also answer the average precision of each class, as `ap/CLASS`


@frozen(kw_only=True)
class PerSampleMap:
    """Average precision of each sample over all classes, averaged over samples, as `per_sample_map`."""

    # what a sample without any label adds: "skip" nothing; "nan" makes the whole figure nan, as in MMAction2
    unlabelled: Literal["skip", "nan"] = "skip"


@frozen(kw_only=True)
class Confusion:
    """Which class is taken for which: a matrix for reports; as a figure, `worst_class_accuracy`."""

    per_class: bool = False  # also answer the accuracy of each class, as `accuracy/CLASS`


@frozen(kw_only=True)
class Calibration:
    """Whether probabilities mean what they say: `calibration_error`, also its largest, likelihood, and `brier`.

    Guo et al., ICML 2017, arXiv:1706.04599: the highest probability of a sample against how often it is right.
    """

    bins: int = field(default=15, validator=ge(1))  # of equal width, from 0 to 1
