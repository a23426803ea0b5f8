"""`vidcore data frames`, `flow`, `resize`, `encode`, `audio`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from vidcore.errors import ConfigError
from vidcore_prepare.options import HowToRun, make_all, require_flow, run_options, source_argument, target_argument

_SHORT_SIDE = "Pixels of the shorter side, at most; smaller videos keep their size."
_CRF = "Quality of H.264: 18 looks like the original, 28 is small."


@click.command()
@source_argument
@target_argument
@click.option("--kind", type=click.Choice(["jpg", "png"]), default="jpg", show_default=True, help="Of the pictures.")
@click.option("--short-side", type=click.IntRange(2), help=f"{_SHORT_SIDE} Left out: as it is.")
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG.")
@click.option("--every", type=click.IntRange(1), default=1, show_default=True, help="Only every n-th frame.")
@run_options
def frames(
    source: Path, target: Path, kind: Any, short_side: int | None, quality: int, every: int, how: HowToRun
) -> None:
    """Write every frame of the videos in SOURCE as a picture into TARGET.

    run/a.mp4 becomes the folder run/a with img_00001.jpg, img_00002.jpg and so on. What is there is kept, so a command
    that was stopped goes on when it is given again.

    \b
    Examples:
      vidcore data frames videos frames
      vidcore data frames videos frames --short-side 256 --workers 8
    """
    from vidcore_prepare.files import items_of
    from vidcore_prepare.pictures import WriteFrames

    work = WriteFrames(kind=kind, short_side=short_side, quality=quality, every=every)
    make_all(items_of(source, target, ""), work, target, how, title="writing frames", what="folders")


@click.command()
@source_argument
@target_argument
@click.option("--method", type=click.Choice(["tvl1", "farneback", "dis"]), default="tvl1", show_default=True,
              help="tvl1 is what two-stream networks were trained on; the others are 20 times faster.")  # fmt: skip
@click.option("--every", type=click.IntRange(1), default=1, show_default=True,
              help="From every n-th frame to the n-th after it.")  # fmt: skip
@click.option("--without-camera", is_flag=True, help="Take out how the camera moves; what people do is left.")
@click.option("--short-side", type=click.IntRange(2), default=256, show_default=True, help=_SHORT_SIDE)
@click.option("--quality", type=click.IntRange(1, 100), default=95, show_default=True, help="Of JPEG.")
@click.option("--bound", type=click.FloatRange(0, min_open=True), default=20.0, show_default=True,
              help="Pixels that grey 0 and 255 stand for; movement beyond is cut off.")  # fmt: skip
@run_options
def flow(source: Path, target: Path, how: HowToRun, **options: Any) -> None:
    """Compute the optical flow of the videos in SOURCE, as pictures in TARGET.

    run/a.mp4 becomes the folder run/a with flow_x_00001.jpg and flow_y_00001.jpg for the movement from the first frame
    to the second, and so on: a pair less than there are frames. Grey 128 is rest, 0 is 20 pixels to the left or
    upwards, 255 is 20 pixels to the right or downwards.

    \b
    Examples:
      vidcore data flow videos flow
      vidcore data flow videos flow --method dis --every 3 --without-camera
    """
    from vidcore_prepare.files import items_of
    from vidcore_prepare.pictures import WriteFlow

    require_flow()
    make_all(items_of(source, target, ""), WriteFlow(**options), target, how, title="computing flow", what="folders")


@click.command()
@source_argument
@target_argument
@click.option("--short-side", type=click.IntRange(2), default=256, show_default=True, help=_SHORT_SIDE)
@click.option("--gop", type=click.IntRange(1), default=16, show_default=True,
              help="Frames from one key frame to the next: few make jumps fast, and files larger.")  # fmt: skip
@click.option("--crf", type=click.IntRange(0, 51), default=23, show_default=True, help=_CRF)
@click.option("--sound/--no-sound", default=True, show_default=True, help="Whether sound stays.")
@run_options
def resize(source: Path, target: Path, short_side: int, gop: int, crf: int, sound: bool, how: HowToRun) -> None:
    """Make the videos in SOURCE smaller and fast to jump into; they are written to TARGET as .mp4.

    Training reads small pieces at random places. Each jump decodes from the key frame before it, so few frames between
    key frames and few pixels save most of the time. Times of frames, and sound, stay; rotation becomes pixels.

    \b
    Examples:
      vidcore data resize videos small
      vidcore data resize videos small --short-side 320 --crf 20 --part 2/5
    """
    from vidcore_prepare.files import items_of
    from vidcore_prepare.media import Encoding
    from vidcore_prepare.videos import Resize

    work = Resize(short_side=short_side, encoding=Encoding(crf=crf, gop=gop), sound=sound)
    make_all(items_of(source, target, ".mp4"), work, target, how, title="resizing", what="videos")


@click.command()
@source_argument
@target_argument
@click.option("--fps", default="30", show_default=True, help="Pictures a second, such as 25 or 30000/1001.")
@click.option("--template", default="img_{:05}.jpg", show_default=True, help="How the pictures are called.")
@click.option("--short-side", type=click.IntRange(2), help=f"{_SHORT_SIDE} Left out: as it is.")
@click.option("--gop", type=click.IntRange(1), default=16, show_default=True, help="Frames between key frames.")
@click.option("--crf", type=click.IntRange(0, 51), default=23, show_default=True, help=_CRF)
@run_options
def encode(
    source: Path, target: Path, fps: str, template: str, short_side: int | None, gop: int, crf: int, how: HowToRun
) -> None:
    """Make a video of each folder of pictures in SOURCE; run/a with its pictures becomes run/a.mp4 in TARGET.

    \b
    Examples:
      vidcore data encode frames videos --fps 25
      vidcore data encode frames videos --template "{:06}.png"
    """
    from vidcore_prepare.engine import Item
    from vidcore_prepare.files import folders_of_pictures
    from vidcore_prepare.media import Encoding
    from vidcore_prepare.pictures import EncodeFrames

    if template.count("{") != 1 or template.count("}") != 1:
        raise ConfigError(f"--template {template!r} needs one place for the number, as in img_{{:05}}.jpg")
    items = [
        Item(name=str(inner), output=target / f"{inner if inner.name else source.name}.mp4", source=folder)
        for folder in folders_of_pictures(source, template)
        for inner in [folder.relative_to(source)]
    ]
    encoding = Encoding(crf=crf, gop=gop)
    work = EncodeFrames(template=template, fps=_rate(fps), short_side=short_side, encoding=encoding)
    make_all(items, work, target, how, title="encoding", what="videos")


@click.command()
@source_argument
@target_argument
@click.option("--sample-rate", type=click.IntRange(1), help="Samples a second; left out: as it is.")
@click.option("--mono", is_flag=True, help="One channel, the mean of all.")
@run_options
def audio(source: Path, target: Path, sample_rate: int | None, mono: bool, how: HowToRun) -> None:
    """Write the sound of the videos in SOURCE as .wav files into TARGET. A video without sound is a failure.

    \b
    Examples:
      vidcore data audio videos sounds
      vidcore data audio videos sounds --sample-rate 16000 --mono
    """
    from vidcore_prepare.files import SOUND_SUFFIXES, items_of
    from vidcore_prepare.videos import WriteSound

    items = items_of(source, target, ".wav", SOUND_SUFFIXES)
    make_all(
        items, WriteSound(sample_rate=sample_rate, mono=mono), target, how, title="extracting sound", what="sounds"
    )


def _rate(text: str) -> Fraction:
    try:
        rate = Fraction(text)
    except (ValueError, ZeroDivisionError):
        rate = Fraction(0)
    if rate <= 0:
        raise ConfigError(f"--fps {text!r} is no number of pictures a second, such as 25 or 30000/1001")
    return rate
