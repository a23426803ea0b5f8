from __future__ import annotations

from typing import Any

import pytest
from attrs import frozen

from vidcore.data.transform_config import Resize
from vidcore.plugins import Component, host
from vidcore.testing import check_component, check_description, check_metric, check_plugin, check_transform
from vidcore.testing.components import example_of
from vidcore.values import Prediction, SampleRef

HERE = __name__


@frozen(kw_only=True)
class Fine:
    """A config."""

    size: int = 1


@frozen
class Positional:
    """A config."""

    size: int = 1


@frozen(kw_only=True)
class Undocumented:
    size: int = 1


@frozen(kw_only=True)
class NoneIsNoDefault:
    """A config."""

    size: int | None = 1


class NotAttrs:
    """A config."""


def factory(config: Any) -> Any:
    return config


def component(config: type, **changes: Any) -> Component:
    values = {"kind": "thing", "name": "a-thing", "summary": "a thing", "factory": f"{HERE}:factory"}
    return Component(**{**values, "config": f"{HERE}:{config.__name__}", **changes})


def test_fine_description_passes() -> None:
    check_description(component(Fine))


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (component(Fine, name="A_Thing"), "a name is lower case with hyphens"),
        (component(Fine, summary=""), "has no summary"),
        (component(NotAttrs), "NotAttrs is no attrs class"),
        (component(Undocumented), "Undocumented has no docstring"),
        (component(Positional), "Positional.size is positional"),
        (component(NoneIsNoDefault), "NoneIsNoDefault.size may be None, so its default must be None"),
        (component(Fine, factory="json:decoder"), "json:decoder cannot be called"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_fault_of_a_description_is_told(broken: Component, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_description(broken)


CORE = [("decoder", "pyav"), ("sampling", "dense"), ("optimizer", "sgd"), ("schedule", "cosine")]


@pytest.mark.parametrize("name", CORE, ids="-".join)
def test_components_of_the_core_keep_the_contract(name: tuple[str, str]) -> None:
    found = host().components.find(*name)
    assert found is not None
    check_component(found)


def test_the_core_keeps_the_contract_of_a_plugin() -> None:
    import vidcore.builtin

    check_plugin(vidcore.builtin)


def test_module_that_is_no_installed_plugin_is_told() -> None:
    import vidcore.testing.videos as no_plugin

    with pytest.raises(AssertionError, match="must say `api = 1`"):
        check_plugin(no_plugin)


class Metric:
    """Counts; each subclass breaks a promise."""

    def __init__(self, config: Any, classes: Any) -> None:
        self.seen: list[int] = []

    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        self.seen.append(target["label"])

    def compute(self) -> dict[str, Any]:
        return {"mean": sum(self.seen) / max(len(self.seen), 1)}


class FirstWins(Metric):
    def compute(self) -> dict[str, Any]:
        return {"first": float(self.seen[0])} if self.seen else {}


class FailsWhenEmpty(Metric):
    def compute(self) -> dict[str, Any]:
        return {"mean": sum(self.seen) / len(self.seen)}


class Forgets(Metric):
    def compute(self) -> dict[str, Any]:
        found = super().compute()
        self.seen.clear()
        return found


class CountsInts(Metric):
    def compute(self) -> dict[str, Any]:
        return {"count": len(self.seen)}


class NamesNoFigure(Metric):
    lower_is_better = ("error",)


class Meddles(Metric):
    def update(self, prediction: Prediction, target: dict[str, Any]) -> None:
        super().update(prediction, target)
        target["label"] += 1


def samples() -> list[tuple[Prediction, dict[str, Any]]]:
    return [(Prediction(ref=SampleRef("", 0, i), outputs={}), {"label": i}) for i in range(3)]


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (FirstWins, "FirstWins depends on the order of samples"),
        (FailsWhenEmpty, "division by zero"),
        (Forgets, "answers differently the second time"),
        (CountsInts, "count must be a float, is int"),
        (NamesNoFigure, r"lower_is_better names \['error'\]"),
        (Meddles, "changes what it is given"),
    ],
)
def test_fault_of_a_metric_is_found(metric: type[Metric], message: str) -> None:
    with pytest.raises((AssertionError, ZeroDivisionError), match=message):
        check_metric(Fine(), ["a"], samples(), factory=metric)


def test_good_metric_passes() -> None:
    check_metric(Fine(), ["a"], samples(), factory=Metric)


def transforms() -> list[Component]:
    return [one for one in host().components if one.kind == "transform"]


@pytest.mark.parametrize("one", transforms(), ids=lambda one: one.name)
def test_every_transform_keeps_the_contract(one: Component) -> None:
    check_transform(
        Resize(short_side=256) if one.name == "resize" else example_of(one), sizes=((240, 320), (480, 270), (256, 256))
    )
