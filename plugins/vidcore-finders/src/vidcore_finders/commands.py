"""`vidcore find lr | batch-size` and `vidcore show schedule | groups`."""

from __future__ import annotations

from pathlib import Path

import click

from vidcore.cli.config import set_option, source_argument
from vidcore.cli.lazy import group
from vidcore.config.loading import load
from vidcore.errors import ConfigError, RunError
from vidcore.plugins import build
from vidcore.wording import counted

find = group("find", "Find a learning rate, a batch size.", {})
_PICTURE = click.Path(dir_okay=False, path_type=Path)


@click.command("lr")
@source_argument
@set_option
@click.option("--from", "low", default=1e-6, show_default=True, type=click.FloatRange(0, min_open=True), metavar="LR",
              help="The first rate.")  # fmt: skip
@click.option("--to", "high", default=10.0, show_default=True, type=click.FloatRange(0, min_open=True), metavar="LR",
              help="The last rate, if the loss does not grow before.")  # fmt: skip
@click.option("--steps", default=100, show_default=True, type=click.IntRange(10), help="Steps from one to the other.")
@click.option("-o", "--output", type=_PICTURE, default=Path("lr.png"), show_default=True, help="The picture.")
def find_lr(source: str, sets: tuple[str, ...], low: float, high: float, steps: int, output: Path) -> None:
    """Train EXPERIMENT for some steps while the learning rate grows, and tell the one to begin with.

    \b
    Example:
      vidcore find lr mine.toml --steps 200
    """
    if low >= high:
        raise ConfigError(f"--from {low:g} must be below --to {high:g}")
    experiment = load(source, sets=sets).experiment
    from vidcore_finders.learning_rate import range_test
    from vidcore_finders.pictures import draw_range_test
    from vidcore_report import theme

    theme.check_place(output)

    def say(step: int, rate: float, loss: float) -> None:
        if step % max(steps // 10, 1) == 0:
            click.echo(f"step {step + 1:4} of {steps}: lr {rate:.2e}, loss {loss:.4g}", err=True)

    found = range_test(experiment, low, high, steps, say)
    theme.save(draw_range_test(found), output)
    if found.steepest is None:
        raise RunError(
            f"no rate to tell: the loss never fell from {low:g} to {found.rates[-1]:g}, see {output}; "
            "give a lower --from, more --steps, or look at the data and the model"
        )
    click.echo(f"the loss falls fastest at {found.steepest:.2g}, and is lowest at {found.lowest:.2g}: {output}")
    click.echo(f"optimizer.lr = {found.steepest:.2g}")


@click.command("batch-size")
@source_argument
@set_option
@click.option("--max", "largest", default=1024, show_default=True, type=click.IntRange(1), help="Size to stop at.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(0), help="Longest step to wait for.")
@click.option("-o", "--output", type=_PICTURE, default=Path("batch-size.png"), show_default=True, help="The picture.")
def find_batch_size(source: str, sets: tuple[str, ...], largest: int, seconds: float, output: Path) -> None:
    """Take steps of 1, 2, 4 ... clips of EXPERIMENT, and tell the size that keeps the device busy."""
    experiment = load(source, sets=sets).experiment
    from vidcore_finders.batch_size import Measured, conclude, try_sizes
    from vidcore_finders.pictures import draw_sizes
    from vidcore_report import theme

    theme.check_place(output)

    def say(one: Measured) -> None:
        memory = one.memory_bytes / 2**30
        click.echo(f"{one.size:5} clips: {one.clips_per_second:8.1f} clips/s, {memory:6.2f} GiB", err=True)

    found, why = try_sizes(experiment, largest, seconds, say)
    chosen = conclude(found)
    theme.save(draw_sizes(found, chosen), output)
    click.echo(f"ended at {found[-1].size}: {why}: {output}")
    click.echo(f"data.train.batch_size = {chosen}")


@click.command("schedule")
@source_argument
@set_option
@click.option("--steps-per-epoch", type=click.IntRange(1), default=None, help="Left out: what the data tells.")
@click.option("--rows", default=12, show_default=True, type=click.IntRange(2), help="Of the table.")
@click.option("-o", "--output", type=_PICTURE, default=Path("schedule.png"), show_default=True, help="The picture.")
def show_schedule(source: str, sets: tuple[str, ...], steps_per_epoch: int | None, rows: int, output: Path) -> None:
    """Draw and list learning rate and momentum of EXPERIMENT over its run."""
    experiment = load(source, sets=sets).experiment
    from vidcore_finders.pictures import draw_schedule
    from vidcore_finders.schedule import points, spread, steps_per_epoch_of
    from vidcore_report import theme

    per_epoch = steps_per_epoch or steps_per_epoch_of(experiment)
    total = experiment.engine.epochs * per_epoch
    theme.save(draw_schedule(points(experiment, per_epoch, spread(total, 2000)), per_epoch), output)
    click.echo(f"{'step':>10} {'epoch':>8} {'lr':>12} {'momentum':>9}")
    for point in points(experiment, per_epoch, spread(total, rows)):
        momentum = "" if point.momentum is None else f"{point.momentum:9.4f}"
        click.echo(f"{point.step:10} {point.step / per_epoch:8.2f} {point.learning_rate:12.4g} {momentum:>9}")
    click.echo(f"{counted(total, 'step')}, {per_epoch} an epoch: {output}")


@click.command("groups")
@source_argument
@set_option
def show_groups(source: str, sets: tuple[str, ...]) -> None:
    """List the parameter groups of EXPERIMENT: rate, weight decay, and what is frozen."""
    experiment = load(source, sets=sets).experiment
    import torch

    from vidcore.engine.groups import describe, freeze, parameter_groups, scale_of

    with torch.device("meta"):
        model = build(experiment.model)
    frozen = freeze(model, experiment.engine.freeze)
    train, engine = experiment.data.train, experiment.engine
    samples = train.batch_size * (engine.accumulate or 1) if train is not None else 1
    scale = scale_of(engine.auto_scale_lr, samples)
    for line in describe(parameter_groups(model, experiment.optimizer), experiment.optimizer, scale):
        click.echo(line)
    if frozen:
        count = sum(dict(model.named_parameters())[name].numel() for name in frozen)
        example = frozen[0] + (f" … {frozen[-1]}" if len(frozen) > 1 else "")
        click.echo(f"frozen: {counted(len(frozen), 'tensor')}, {counted(count, 'parameter')} ({example})")
