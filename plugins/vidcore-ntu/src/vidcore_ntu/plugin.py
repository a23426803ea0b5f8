"""What this plugin offers. Imports neither torch nor numpy."""

from __future__ import annotations

from vidcore.plugins import Command, Component, hookimpl

api = 1


@hookimpl
def vidcore_components() -> list[Component]:
    """The data sets."""
    return [
        Component(
            kind="dataset",
            name="skeleton-set",
            config="vidcore_ntu.config:SkeletonSet",
            factory="vidcore_ntu.datasets:skeleton_set",
            summary="NTU RGB+D, FineGYM, UCF101, HMDB51, Diving48, BABEL as published annotation files",
        ),
        Component(
            kind="dataset",
            name="packed-skeletons",
            config="vidcore_ntu.config:PackedSkeletons",
            factory="vidcore_ntu.datasets:packed_skeletons",
            summary="skeletons of Kinetics-400, a file of loose people for each video",
        ),
        Component(
            kind="dataset",
            name="kinetics-skeleton",
            config="vidcore_ntu.config:KineticsSkeleton",
            factory="vidcore_ntu.datasets:kinetics_skeleton",
            summary="skeletons of Kinetics-400, a JSON file for each video",
        ),
        Component(
            kind="dataset",
            name="skeleton-array",
            config="vidcore_ntu.config:SkeletonArray",
            factory="vidcore_ntu.datasets:skeleton_array",
            summary="skeletons of a whole set in one array, such as BABEL's",
        ),
    ]


@hookimpl
def vidcore_commands() -> list[Command]:
    """`vidcore data ntu`."""
    return [
        Command(
            group="data",
            section="4. Sound, people, features instead of videos",
            name="ntu",
            help="Turn raw .skeleton files of NTU RGB+D into an annotation file.",
            target="vidcore_ntu.commands:ntu",
        )
    ]
