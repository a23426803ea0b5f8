"""Leaving a run when it is told to: a signal sets a flag, the loop looks at it between two steps."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from vidcore.errors import VidcoreError


class RunStopped(VidcoreError):  # noqa: N818 - it went as it should
    """The run was told to stop, has saved its state and can be continued."""

    def __init__(self, signum: int, message: str) -> None:
        super().__init__(message)
        self.signum = signum
        self.exit_code = 128 + signum  # as a shell reports it: 130 for Ctrl-C, 143 for SIGTERM


class StopSignals:
    """Catches SIGINT and SIGTERM while it is entered. A second Ctrl-C interrupts at once, without saving."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        if threading.current_thread() is threading.main_thread():  # elsewhere Python does not let anyone listen
            for signum in (signal.SIGINT, signal.SIGTERM):
                self._before[signum] = signal.signal(signum, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def _receive(self, signum: int, frame: FrameType | None) -> None:
        if self.received == signal.SIGINT == signum:
            raise KeyboardInterrupt
        self.received = signum
