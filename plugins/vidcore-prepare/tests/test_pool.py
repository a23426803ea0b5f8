"""Work can be done elsewhere: by what a plugin offers, named with --pool."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import Result

from vidcore.plugins import Component
from vidcore.plugins.catalog import Components

Vidcore = Callable[..., Result]

POOL = """
from attrs import frozen

done = []

@frozen(kw_only=True)
class Options:
    workers: int | None

@frozen
class Pool:
    options: Options

    def map(self, attempt, items):
        done.append((self.options.workers, [item.name for item in items]))
        return map(attempt, reversed(items))
"""


def test_a_pool_of_a_plugin_does_the_work(
    videos: Path, vidcore: Vidcore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site/made_pool_of_a_test.py").write_text(POOL)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    made = Component(
        kind="prepare.pool",
        name="made",
        config="made_pool_of_a_test:Options",
        factory="made_pool_of_a_test:Pool",
    )
    monkeypatch.setattr("vidcore.plugins.host", lambda: SimpleNamespace(components=Components([made]), commands=[]))
    from vidcore_prepare.media_commands import frames

    with pytest.raises(SystemExit) as ended:
        frames.main(["videos/run", "frames", "--pool", "made", "--workers", "3"])
    assert ended.value.code == 0 and (tmp_path / "frames/b/img_00020.jpg").exists()
    import made_pool_of_a_test  # type: ignore[import-not-found]

    assert made_pool_of_a_test.done == [(3, ["a.mp4", "b.mp4"])]


def test_a_pool_that_nobody_offers_is_refused(videos: Path, vidcore: Vidcore) -> None:
    refused = vidcore("frames videos frames --pool nobodys", exit_code=2)
    assert "--pool: no prepare.pool named 'nobodys'" in str(refused.exception)
