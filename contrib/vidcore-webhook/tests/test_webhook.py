from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from vidcore.config import Experiment
from vidcore.engine.events import Events, RunInfo
from vidcore.errors import ConfigError
from vidcore.plugins import build, host
from vidcore.testing import check_plugin
from vidcore_webhook import plugin
from vidcore_webhook.config import VARIABLE, Webhook


class Server:
    """A real address: keeps what is posted to it, answers with `status`."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.messages.append(json.loads(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, format: str, *values: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def run(tmp_path: Path) -> RunInfo:
    return RunInfo(
        name="tennis",
        folder=tmp_path,
        experiment=Experiment(task=None, model=None),
        start_step=0,
        total_steps=100,
        steps_per_epoch=10,
        clips_per_step=8,
    )


def evaluate(events: Events, run: RunInfo, **metrics: float) -> None:
    events.send(
        "evaluation_finished", run=run, split="val", step=30, epoch=3, metrics=metrics, predictions=run.folder / "p"
    )


def test_plugin_is_found_and_keeps_the_contract() -> None:
    assert host().components.find("callback", "webhook") is not None
    check_plugin(plugin)


def test_evaluation_is_posted_with_its_figures(server: Server, run: RunInfo) -> None:
    evaluate(Events({"tell": build(Webhook(url=server.url))}), run, top1=0.51)
    assert server.messages == [
        {
            "event": "evaluation",
            "run": "tennis",
            "split": "val",
            "step": 30,
            "epoch": 3,
            "metrics": {"top1": 0.51},
            "text": "tennis: val after epoch 3: top1 0.5100",
        }
    ]


def test_end_of_a_run_is_posted(server: Server, run: RunInfo) -> None:
    events = Events({"tell": build(Webhook(url=server.url))})
    events.send("run_finished", run=run, metrics={"top1": 0.6})
    events.send("run_stopped", run=run, step=7, reason="Ctrl-C")
    assert [message["text"] for message in server.messages] == [
        "tennis is done: top1 0.6000",
        "tennis stopped at step 7: Ctrl-C",
    ]


def test_only_chosen_events_are_posted(server: Server, run: RunInfo) -> None:
    events = Events({"tell": build(Webhook(url=server.url, events=("finished",)))})
    evaluate(events, run, top1=0.5)
    events.send("run_finished", run=run, metrics={})
    assert [message["event"] for message in server.messages] == ["finished"]


def test_nan_is_sent_as_null(server: Server, run: RunInfo) -> None:
    evaluate(Events({"tell": build(Webhook(url=server.url))}), run, map=float("nan"))
    assert server.messages[0]["metrics"] == {"map": None}


def test_address_may_come_from_the_environment(server: Server, run: RunInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, server.url)
    evaluate(Events({"tell": build(Webhook())}), run, top1=0.5)
    assert len(server.messages) == 1


def test_refusing_address_is_logged_and_the_run_goes_on(
    server: Server, run: RunInfo, caplog: pytest.LogCaptureFixture
) -> None:
    server.status = 500
    events = Events({"tell": build(Webhook(url=server.url))})
    with caplog.at_level(logging.WARNING):
        evaluate(events, run, top1=0.5)
        evaluate(events, run, top1=0.6)
    assert events.failures["tell"] == 2
    assert [record.message for record in caplog.records if "HTTP Error 500" in record.message]


def test_nobody_at_the_address_is_logged_and_the_run_goes_on(run: RunInfo) -> None:
    gone = Server()
    gone.close()
    events = Events({"tell": build(Webhook(url=gone.url, timeout_seconds=1.0))})
    evaluate(events, run, top1=0.5)
    assert events.failures["tell"] == 1


def test_no_address_is_told_before_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(ConfigError, match=f"set `url` or the variable {VARIABLE}"):
        build(Webhook())


def test_address_that_is_no_http_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'url' must start with http:// or https://, got 'ftp://x'"):
        Webhook(url="ftp://x")
