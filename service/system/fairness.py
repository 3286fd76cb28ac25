"""Slots that limit concurrent requests, shared fairly between clients."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from service.errors import NoFreeSlot

# After this time the past work of a client counts half.
HALF_LIFE_SECONDS = 5.0
# A second in which a client waits, with any number of requests, counts as this work. Otherwise a client that shares the slots
# with 20 others and waits most of the time would precede one that requests a page every 12 seconds.
WAIT_SHARE = 0.5


@dataclass
class _Usage:
    """The seconds of work of a client and of its waiting, decayed up to `measured_at`, and its waiting requests."""

    seconds: float = 0.0
    measured_at: float = 0.0
    waiting: int = 0

    def measure(self, now: float) -> float:
        decay = math.exp2((self.measured_at - now) / HALF_LIFE_SECONDS)
        waited = WAIT_SHARE * HALF_LIFE_SECONDS / math.log(2) * (1 - decay) if self.waiting else 0.0
        return self.seconds * decay + waited

    def add(self, now: float, seconds: float = 0.0, waiting: int = 0) -> None:
        """Add work, and requests that begin or end to wait."""
        self.seconds, self.measured_at = self.measure(now) + seconds, now
        self.waiting += waiting


@dataclass(eq=False)
class _Ticket:
    client: str
    number: int = field(compare=False)


class FairSlots:
    """`slots` for running requests and `waiting` for queued ones, with a maximum of each per client.

    A free slot goes to the waiting client with the least recent work and waiting, not to the first one: the first request of a
    client does not wait for 20 requests of another, and a client with few requests does not wait for 20 clients with many.

    With `quick_slots`, the slots above that number are used only while a request has been running for `slow_seconds`: quick
    requests run after each other, and a slow one does not block them.
    """

    def __init__(
        self,
        slots: int,
        waiting: int,
        per_client: int | None = None,
        waiting_per_client: int | None = None,
        quick_slots: int | None = None,
        slow_seconds: float = 0.0,
        read_monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.slots = slots
        self.waiting = waiting
        # Leaves one slot for others if there is more than one.
        self._per_client = per_client or max(1, slots - 1)
        self._waiting_per_client = waiting_per_client or max(1, waiting * 3 // 4)
        self._quick_slots = slots if quick_slots is None else quick_slots
        self._slow_seconds = slow_seconds
        self._poll_seconds = 1.0 if self._quick_slots == slots else slow_seconds / 4
        self._starts: list[float] = []
        self._read_monotonic = read_monotonic
        self._changed = threading.Condition()
        self._tickets: list[_Ticket] = []
        self._running: Counter[str] = Counter()
        self._usage: dict[str, _Usage] = {}
        self._count = 0

    @contextmanager
    def take(self, client: str, seconds: float) -> Iterator[None]:
        """Take a slot after waiting at most this number of seconds. Raises NoFreeSlot."""
        with self._changed:
            self._wait(client, seconds)
            self._running[client] += 1
            started = self._read_monotonic()
            self._starts.append(started)
        try:
            yield
        finally:
            with self._changed:
                self._starts.remove(started)
                self._running[client] -= 1
                if not self._running[client]:
                    del self._running[client]
                now = self._read_monotonic()
                self._find_usage(client, now).add(now, seconds=now - started)
                self._forget(now)
                self._changed.notify_all()

    def _wait(self, client: str, seconds: float) -> None:
        waiting = [ticket.client for ticket in self._tickets]
        ticket = _Ticket(client, self._count)
        self._count += 1
        self._tickets.append(ticket)
        now = self._read_monotonic()
        self._find_usage(client, now).add(now, waiting=1)
        try:
            if self._is_turn(ticket):
                return
            if len(waiting) >= self.waiting:
                raise NoFreeSlot("too many requests are waiting; retry later", is_full=True)
            if waiting.count(client) >= self._waiting_per_client:
                raise NoFreeSlot("too many requests of this client are waiting; retry later", is_full=True)
            deadline = self._read_monotonic() + seconds
            while not self._is_turn(ticket):
                left = deadline - self._read_monotonic()
                if left <= 0:
                    raise NoFreeSlot("no slot became free in time; retry later", is_full=False)
                self._changed.wait(min(left, self._poll_seconds))
        finally:
            self._tickets.remove(ticket)
            now = self._read_monotonic()
            self._find_usage(client, now).add(now, waiting=-1)
            self._changed.notify_all()

    def _is_turn(self, ticket: _Ticket) -> bool:
        running = len(self._starts)
        if running >= self.slots:
            return False
        now = self._read_monotonic()
        if running >= self._quick_slots and now - min(self._starts) < self._slow_seconds:
            return False
        eligible = [other for other in self._tickets if self._running[other.client] < self._per_client]
        return ticket in eligible and ticket is min(
            eligible, key=lambda other: (self._measure(other.client, now), other.number)
        )

    def _find_usage(self, client: str, now: float) -> _Usage:
        return self._usage.setdefault(client, _Usage(measured_at=now))

    def _measure(self, client: str, now: float) -> float:
        usage = self._usage.get(client)
        return usage.measure(now) if usage else 0.0

    def _forget(self, now: float) -> None:
        for client in [name for name, usage in self._usage.items() if not usage.waiting and usage.measure(now) < 0.001]:
            del self._usage[client]
