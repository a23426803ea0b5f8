"""The data sets, in the hands of vidcore-skeleton."""

from __future__ import annotations

from attrs import evolve

from vidcore.data.clips import DataContext
from vidcore_ntu.array_table import read_array
from vidcore_ntu.config import KineticsSkeleton, PackedSkeletons, SkeletonArray, SkeletonSet
from vidcore_ntu.json_table import read_json
from vidcore_ntu.packed_table import read_packed
from vidcore_ntu.sets import class_names
from vidcore_skeleton.annotations import read_table
from vidcore_skeleton.datasets import SkeletonDataset


def skeleton_set(config: SkeletonSet, context: DataContext) -> SkeletonDataset:
    """The data set of kind `skeleton-set`.

    Raises:
        DataError: The file cannot be used, or has no such split.
    """
    table = read_table(context.root / config.annotations, config.split)
    return SkeletonDataset(table, evolve(config, classes=config.classes or class_names(config.set)), context)


def packed_skeletons(config: PackedSkeletons, context: DataContext) -> SkeletonDataset:
    """The data set of kind `packed-skeletons`.

    Raises:
        DataError: The annotation file cannot be used, or has no such split.
    """
    table = read_packed(context.root / config.annotations, context.root / config.folder, config)
    return SkeletonDataset(table, evolve(config, classes=config.classes or class_names("kinetics400")), context)


def kinetics_skeleton(config: KineticsSkeleton, context: DataContext) -> SkeletonDataset:
    """The data set of kind `kinetics-skeleton`.

    Raises:
        DataError: The file of labels cannot be used.
    """
    table = read_json(context.root / config.labels, context.root / config.folder, config)
    return SkeletonDataset(table, evolve(config, classes=config.classes or class_names("kinetics400")), context)


def skeleton_array(config: SkeletonArray, context: DataContext) -> SkeletonDataset:
    """The data set of kind `skeleton-array`.

    Raises:
        DataError: A file cannot be used, or they do not belong together.
    """
    table = read_array(context.root / config.array, context.root / config.labels)
    classes = config.classes or (class_names(config.set) if config.set else "")
    return SkeletonDataset(table, evolve(config, classes=classes), context)
