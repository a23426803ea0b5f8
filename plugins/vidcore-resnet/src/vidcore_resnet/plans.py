"""What a ResNet consists of, as plain values: how many blocks, how wide, where strides and temporal kernels sit.

Papers: He et al., CVPR 2016, arXiv:1512.03385, table 1; Feichtenhofer et al., ICCV 2019, arXiv:1812.03982, table 1.
Imports no torch, so that config classes can plan a network and reject a wrong one before anything is built.
Route: DEPTHS says what a depth means; StagePlan is one stage; plan_stages makes all of them from a family's options.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from attrs import field, frozen
from attrs.validators import deep_iterable, ge

BlockKind = Literal["basic", "bottleneck"]
Inflation = Literal["1x1x1", "3x1x1", "3x3x3"]  # temporal kernels of a block: none, in its first 1x1, in its 3x3
StageInflation = Inflation | tuple[Inflation, ...]  # of all blocks of a stage, or of each of them
NonLocalMode = Literal["gaussian", "embedded_gaussian", "dot_product", "concatenation"]

DEPTHS: dict[int, tuple[BlockKind, tuple[int, ...]]] = {
    10: ("basic", (1, 1, 1, 1)),  # not in the paper: for small experiments
    18: ("basic", (2, 2, 2, 2)),
    34: ("basic", (3, 4, 6, 3)),
    50: ("bottleneck", (3, 4, 6, 3)),
    101: ("bottleneck", (3, 4, 23, 3)),
    152: ("bottleneck", (3, 8, 36, 3)),
}
EXPANSION: dict[BlockKind, int] = {"basic": 1, "bottleneck": 4}  # output channels of a block / its inner width


@frozen(kw_only=True)
class NonLocal:
    """Where non-local blocks sit in a network, and of which kind (Wang et al., CVPR 2018, arXiv:1711.07971)."""

    blocks: tuple[tuple[int, ...], ...] = ()  # for each stage, the blocks (from 0) that a non-local block follows
    mode: NonLocalMode = "embedded_gaussian"
    sub_sample: bool = True  # pool keys and values by 2 in space: a quarter of the pairs
    use_scale: bool = False  # divide by sqrt(channels) before the softmax; embedded_gaussian alone has it


@frozen(kw_only=True)
class StagePlan:
    """One stage of a ResNet: blocks of one width, the first of which may stride."""

    kind: BlockKind
    width: int  # inner channels of a block
    inflation: tuple[Inflation, ...]  # of each block; its length is the number of blocks
    spatial_stride: int = 1
    temporal_stride: int = 1
    dilation: int = 1
    non_local: tuple[int, ...] = field(default=(), validator=deep_iterable(ge(0)))  # blocks that one follows

    @property
    def out_channels(self) -> int:
        return self.width * EXPANSION[self.kind]


def blocks_of(depth: int, stage_blocks: Sequence[int] | None, num_stages: int) -> tuple[int, ...]:
    """Blocks in each of the first `num_stages` stages: `stage_blocks` where given, else what `depth` means."""
    return tuple(stage_blocks if stage_blocks is not None else DEPTHS[depth][1])[:num_stages]


def plan_stages(
    *,
    depth: int,
    base_channels: int,
    spatial_strides: Sequence[int],
    temporal_strides: Sequence[int],
    dilations: Sequence[int],
    inflation: Sequence[StageInflation],
    stage_blocks: Sequence[int] | None = None,
    non_local: NonLocal | None = None,
) -> tuple[StagePlan, ...]:
    """The stages of a network, as many as there are `spatial_strides`.

    `inflation` holds for each stage one value for all of its blocks, or one for each block.
    Call `problems` first where the options come from a user: here they are trusted.
    """
    kind = DEPTHS[depth][0]
    blocks = blocks_of(depth, stage_blocks, len(spatial_strides))
    follows = non_local.blocks if non_local is not None and non_local.blocks else ((),) * len(spatial_strides)
    return tuple(
        StagePlan(
            kind=kind,
            width=base_channels * 2**stage,
            inflation=(inflate,) * blocks[stage] if isinstance(inflate, str) else inflate,
            spatial_stride=spatial_strides[stage],
            temporal_stride=temporal_strides[stage],
            dilation=dilations[stage],
            non_local=follows[stage],
        )
        for stage, inflate in enumerate(inflation)
    )


def problems(
    *,
    depth: int,
    num_stages: int,
    per_stage: dict[str, Sequence[Any]],
    inflation: dict[str, Sequence[StageInflation]] | None = None,
    stage_blocks: Sequence[int] | None = None,
    non_local: NonLocal | None = None,
    prefix: str = "",
) -> Iterator[str]:
    """What is wrong with a family's options, in words; nothing when `plan_stages` can take them.

    Args:
        depth: A key of DEPTHS.
        num_stages: The stages the network has.
        per_stage: Options that need one entry for each stage, by the name that a user types.
        inflation: The same for options that may go down to blocks.
        stage_blocks: As for `plan_stages`.
        non_local: As for `plan_stages`.
        prefix: In front of the names `stage_blocks` and `non_local`, where the family has several of them.
    """
    inflation = inflation or {}
    for name, values in {**per_stage, **inflation}.items():
        if len(values) != num_stages:
            yield f"{name} needs one entry for each of the {num_stages} stages, got {len(values)}"
    if stage_blocks is not None and len(stage_blocks) != num_stages:
        yield f"{prefix}stage_blocks needs one entry for each of the {num_stages} stages, got {len(stage_blocks)}"
    elif stage_blocks is None and num_stages > len(DEPTHS[depth][1]):
        most = len(DEPTHS[depth][1])
        yield f"a ResNet-{depth} has {most} stages, asked for {num_stages}; give {prefix}stage_blocks"
    else:
        blocks = blocks_of(depth, stage_blocks, num_stages)
        for name, stages in inflation.items():
            yield from _inflation_problems(name, stages, blocks)
        if non_local is not None and non_local.blocks:
            yield from _non_local_problems(f"{prefix}non_local", non_local, blocks)


def refuse(found: Iterable[str]) -> None:
    """Raise all problems at once, where there are any: for `__attrs_post_init__` of config classes.

    Raises:
        ValueError: `found` is not empty.
    """
    texts = list(found)
    if texts:
        raise ValueError("; ".join(texts))


def _inflation_problems(name: str, stages: Sequence[StageInflation], blocks: Sequence[int]) -> Iterator[str]:
    for stage, (inflate, count) in enumerate(zip(stages, blocks, strict=False)):
        if not isinstance(inflate, str) and len(inflate) != count:
            yield f"{name}: stage {stage} has {count} blocks, got {len(inflate)} entries"


def _non_local_problems(name: str, non_local: NonLocal, blocks: Sequence[int]) -> Iterator[str]:
    if len(non_local.blocks) != len(blocks):
        yield f"{name}.blocks needs one list for each of the {len(blocks)} stages, got {len(non_local.blocks)}"
        return
    for stage, (follows, count) in enumerate(zip(non_local.blocks, blocks, strict=True)):
        for block in follows:
            if not 0 <= block < count:
                yield f"{name}.blocks: stage {stage} has blocks 0 to {count - 1}, got {block}"
