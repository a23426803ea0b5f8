from __future__ import annotations

import math

import pytest

from vidcore.config.structure import structure
from vidcore.plugins import build, host
from vidcore.testing import check_plugin
from vidcore_optuna import plugin
from vidcore_optuna.config import Optuna
from vidcore_optuna.search import OptunaSearch
from vidcore_sweep.config import Range, Space, Sweep
from vidcore_sweep.search import Outcome, Values

SPACE: Space = {"optimizer.lr": Range(low=1e-4, high=1.0, log=True), "model.stages": ([1, 1], [2, 2])}


def outcome(values: Values, best: float | None, state: str = "finished", lower: bool = False) -> Outcome:
    curve = {} if best is None else {10 * place: best * place / 4 for place in range(1, 5)}
    return Outcome(values=values, state=state, best=best, lower=lower, curve=curve)


def test_plugin_keeps_the_contract_and_sweeps_find_it() -> None:
    check_plugin(plugin)
    config, problems = structure({"experiment": "x", "search": {"type": "optuna", "trials": 3}}, Sweep, host())
    assert config is not None, problems
    assert build(config.search, SPACE).config.trials == 3


def sweep(search: OptunaSearch, count: int, lower: bool = False) -> list[Outcome]:
    """The nearer to 0.01 on a logarithmic scale, the better."""
    done: list[Outcome] = []
    while len(done) < count:
        values = search.values(len(done), done)
        assert values is not None
        distance = abs(math.log10(values["optimizer.lr"]) + 2)
        done.append(outcome(values, distance if lower else 1 - distance / 4, lower=lower))
    return done


@pytest.mark.parametrize("lower", [False, True])
def test_later_trials_are_nearer_to_the_best_value_than_random_ones(lower: bool) -> None:
    done = sweep(OptunaSearch(Optuna(trials=30), SPACE), 30, lower)
    near = [1e-3 < each.values["optimizer.lr"] < 1e-1 for each in done]  # half of the space
    assert sum(near[15:]) >= 11
    assert OptunaSearch(Optuna(trials=30), SPACE).values(30, done) is None


def test_the_same_outcomes_have_the_same_next_values() -> None:
    done = sweep(OptunaSearch(Optuna(), SPACE), 8)
    first, again = (OptunaSearch(Optuna(), SPACE).values(8, done) for _ in range(2))
    assert first == again
    assert first is not None
    assert first["model.stages"] in ([1, 1], [2, 2])


def test_failed_trials_and_values_of_an_older_space_do_no_harm() -> None:
    search = OptunaSearch(Optuna(startup=1), SPACE)
    done = [
        outcome({"optimizer.lr": 0.1, "model.stages": [1, 1]}, None, "failed"),
        outcome({"optimizer.lr": 0.1, "model.stages": [3, 3]}, 0.5),
        outcome({"optimizer.lr": 0.1}, 0.5),
        outcome({"optimizer.lr": 0.1, "model.stages": [1, 1]}, 0.2, "stopped early"),
    ]
    assert search.values(4, done) is not None


def test_a_trial_below_the_median_is_stopped_and_one_above_is_not() -> None:
    done = [outcome({"optimizer.lr": 0.1, "model.stages": [1, 1]}, best) for best in (0.4, 0.6, 0.8)]
    search = OptunaSearch(Optuna(startup=3), SPACE)

    def stops(*curve: float, lower: bool = False) -> bool:
        trial = Outcome(
            values={}, state="", best=None, lower=lower, curve={10 * place: value for place, value in enumerate(curve)}
        )
        return search.stop_early(trial, done)

    assert stops(0.1, 0.2)  # the others had 0.2, 0.3, 0.4 at their second evaluation
    assert not stops(0.1, 0.35)
    assert not stops(0.0)  # the first evaluation is for warming up
    assert stops(0.5, 0.45, lower=True)
    assert not OptunaSearch(Optuna(startup=4), SPACE).stop_early(outcome({}, 0.0), done)
    assert not OptunaSearch(Optuna(startup=3, prune="none"), SPACE).stop_early(outcome({}, 0.0), done)
