"""The cancellation of a load: Ctrl-C in a command, or a client of the service that cancels or disconnects."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether work was cancelled. `has_disconnected` returns whether the client that requested the work has disconnected."""

    def __init__(self, has_disconnected: Callable[[], bool] = lambda: False) -> None:
        self._is_cancelled = False
        self._has_disconnected = has_disconnected
        self._callbacks: list[Callable[[], None]] = []

    @property
    def is_requested(self) -> bool:
        return self._is_cancelled or self._has_disconnected()

    def call_back(self, callback: Callable[[], None]) -> None:
        """Call a function at the cancellation, or at once if it has happened."""
        self._callbacks.append(callback)
        if self._is_cancelled:
            callback()

    def request(self) -> None:
        """Cancel the work."""
        self._is_cancelled = True
        for callback in self._callbacks:
            callback()


@contextmanager
def catch_interrupt() -> Iterator[Interrupt]:
    """Yield an Interrupt. The first Ctrl-C requests it; the second one ends the command.

    An ignored Ctrl-C or another handler is not changed.
    """
    interrupt = Interrupt()

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        interrupt.request()

    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_default or threading.current_thread() is not threading.main_thread():
        yield interrupt
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
