"""One list of classes for several sources. Imports neither torch nor numpy: `vidcore config check` asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vidcore.errors import DataError

Wanted = str | tuple[str, ...]  # "agree", "join", or the names


def common_classes(sources: Mapping[str, Sequence[str]], wanted: Wanted) -> tuple[str, ...]:
    """The classes of a mixture whose sources have these.

    Example: with "join", `{"a": ["run", "jump"], "b": ["swim", "run"]}` gives `("run", "jump", "swim")`.

    Raises:
        DataError: They must agree and do not, or a source has a class that is not among the names.
    """
    if wanted == "join":
        return tuple(dict.fromkeys(name for classes in sources.values() for name in classes))
    if isinstance(wanted, str):
        return _agreed(sources)
    for source, classes in sources.items():
        missing = [name for name in classes if name not in wanted]
        if missing:
            raise DataError(
                f"source '{source}' has {len(missing)} classes that `classes` does not name, such as {missing[0]!r}; "
                "add them, or take the source out"
            )
    return tuple(wanted)


def _agreed(sources: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    (first, classes), *others = sources.items()
    for name, other in others:
        if tuple(other) != tuple(classes):
            raise DataError(
                f"source '{name}' has {_difference(classes, other)} source '{first}'; give both the same class list, "
                'or set classes = "join" to put the classes of all sources together by name'
            )
    return tuple(classes)


def _difference(one: Sequence[str], other: Sequence[str]) -> str:
    if set(one) == set(other):
        return "the classes in another order than"
    odd = next((name for name in other if name not in one), "")
    return f"{len(other)} classes" + (f", among them {odd!r}," if odd else ",") + f" that are not the {len(one)} of"
