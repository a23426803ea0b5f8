"""What weights promise: enough to rebuild the model and to feed it as it was trained, in one table of plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import attrs

from vidcore.config import ModelConfig, to_table
from vidcore.config.experiment import Experiment
from vidcore.errors import PluginError
from vidcore.plugins import host

# where the weights came from does not matter to who uses them, and may name a path of this machine
_NOT_OF_THE_MODEL = ("weights", "strict")


def weights_contract(experiment: Experiment, classes: Sequence[str], licence: str = "") -> dict[str, Any]:
    """The table that `save_weights` writes. The same experiment gives the same table on every machine.

    Args:
        experiment: Resolved.
        classes: Names, in the order of the model's outputs.
        licence: Of the weights, where it is known.
    """
    shown: Any = experiment.data.test or experiment.data.val or experiment.data.train
    used = [experiment.task, experiment.model, experiment.data.decoder, shown]
    fed: dict[str, Any] = {
        "decoder": to_table(experiment.data.decoder),
        "scaling": experiment.data.scaling,
        **({"sampling": to_table(shown.sampling)} if shown.sampling is not None else {}),
        # [name, table] in order: the keys of a table are sorted when it is written
        "transforms": [[name, to_table(transform)] for name, transform in shown.transforms.items()],
        "views": to_table(shown.views),
    }
    if (reader := shown.sample_reader()) is not None:
        fed = {"reader": to_table(reader)}
    return {
        "classes": list(classes),
        "task": to_table(experiment.task),
        "model": _architecture(experiment.model),
        "input": fed,
        "plugins": dict(sorted(set(_distributions(used)))),
        "licence": licence,
    }


def _architecture(config: ModelConfig) -> dict[str, Any]:
    table = to_table(config) | {name: _architecture(part) for name, part in config.parts().items()}
    return {key: value for key, value in table.items() if key not in _NOT_OF_THE_MODEL}


def _distributions(value: Any) -> Iterator[tuple[str, str]]:
    """(distribution, version) of every component in a config, however deep."""
    if isinstance(value, list | tuple):
        for item in value:
            yield from _distributions(item)
    elif isinstance(value, dict):
        yield from _distributions(list(value.values()))
    elif attrs.has(type(value)):
        try:
            record = host().records.get(host().components.of_config(value).plugin)
            if record is not None and record.dist is not None:
                yield record.dist.metadata["Name"], record.dist.version
        except PluginError:
            pass  # a table of fixed form
        for entry in attrs.fields(type(value)):
            yield from _distributions(getattr(value, entry.name))
