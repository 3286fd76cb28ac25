"""Remote read: responses from the newest history, within the limits of the settings."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

import duckdb

from metrics.history import WholeHistory
from metrics.remote_read import MalformedRequest, ResponseWriter, decode_request, encode_series, read_query
from metrics.remote_read_grid import GridTooLong, plan_samples
from metrics.remote_read_pb2 import Query
from service.errors import NoFreeSlot, ReadRefused
from service.jobs.self_metrics import SelfMetrics
from service.settings import Settings
from service.system.fairness import FairSlots
from service.system.time_limit import check_time
from service.warehouse.database import Connection, read_sql

# Maximum waiting requests for each running one.
WAITING_PER_SLOT = 4
MALFORMED, UNPROCESSABLE, BUSY, UNAVAILABLE, OUT_OF_TIME = 400, 422, 429, 503, 504


class RemoteReader:
    """Answers requests from the history that `find_history` returns at their start."""

    def __init__(
        self,
        settings: Settings,
        open_session: Callable[[], AbstractContextManager[Connection]],
        self_metrics: SelfMetrics,
        find_history: Callable[[float], WholeHistory | None],
    ) -> None:
        self._settings = settings
        self._open_session = open_session
        self._self_metrics = self_metrics
        self._find_history = find_history
        concurrency = settings.remote_read_concurrency
        self.slots = FairSlots(concurrency, concurrency * WAITING_PER_SLOT)

    def answer(self, body: bytes, client: str) -> list[bytes]:
        """Return the compressed response to a compressed request of a client, in chunks. Raises ReadRefused."""
        started = time.monotonic()
        deadline = started + self._settings.remote_read_seconds
        try:
            request = decode_request(body, self._settings.remote_read_request_bytes)
            with self._take_slot(client, deadline):
                history = self._find_history(max(0.0, deadline - time.monotonic()))
                if history is None:
                    raise ReadRefused(
                        UNAVAILABLE,
                        "not_ready",
                        "the history is being read from the warehouse; retry later. 'a4p jobs' shows the state",
                    )
                answering = _Answering(self._settings, self._open_session, history, deadline)
                writer = ResponseWriter()
                for query in request.queries:
                    writer.write_result(answering.answer(query))
                response = writer.finish()
        except MalformedRequest as error:
            self._self_metrics.record_refused_read("malformed")
            raise ReadRefused(MALFORMED, "malformed", str(error)) from None
        except ReadRefused as refusal:
            self._self_metrics.record_refused_read(refusal.reason)
            raise
        self._self_metrics.record_read(
            len(request.queries), answering.series_count, answering.sample_count, time.monotonic() - started
        )
        return response

    def refuse_body(self, size: int) -> ReadRefused:
        """Count and return the error for a body of this size."""
        self._self_metrics.record_refused_read("malformed")
        limit = self._settings.remote_read_body_bytes
        return ReadRefused(
            MALFORMED, "malformed", f"the body has {size:,} bytes, more than the {limit:,} of A4P_REMOTE_READ_BODY_BYTES"
        )

    @contextmanager
    def _take_slot(self, client: str, deadline: float) -> Iterator[None]:
        try:
            with self.slots.take(client, max(0.0, deadline - time.monotonic())):
                yield
        except NoFreeSlot as taken:
            status = BUSY if taken.is_full else UNAVAILABLE
            raise ReadRefused(status, "concurrency", f"{taken}, or raise A4P_REMOTE_READ_CONCURRENCY") from None


class _Answering:
    """One running request: its series and samples so far, and their limits."""

    def __init__(
        self,
        settings: Settings,
        open_session: Callable[[], AbstractContextManager[Connection]],
        history: WholeHistory,
        deadline: float,
    ) -> None:
        self._settings = settings
        self._open_session = open_session
        self._history = history
        self._deadline = deadline
        self.series_count = 0
        self.sample_count = 0

    def answer(self, query: Query) -> Iterator[bytes]:
        """Yield the encoded result of one query, in parts. Raises MalformedRequest and ReadRefused."""
        self._check_time()
        matchers, request = read_query(query)
        selected = self._history.select(matchers, self._match_regex)
        series_count = sum(len(numbers) for _, numbers in selected)
        lookback_ms = self._settings.remote_read_lookback_seconds * 1000
        try:
            plan = plan_samples(request, series_count, lookback_ms, self._history.first_ms, self._settings.remote_read_samples)
        except GridTooLong:
            raise self._refuse_size("samples", self._settings.remote_read_samples) from None
        for history, numbers in selected:
            for part, series_count, sample_count in encode_series(history, numbers, plan):
                self.series_count += series_count
                self.sample_count += sample_count
                self._check_size()
                self._check_time()
                yield part

    def _check_size(self) -> None:
        for count, limit, what in (
            (self.series_count, self._settings.remote_read_series, "series"),
            (self.sample_count, self._settings.remote_read_samples, "samples"),
        ):
            if count > limit:
                raise self._refuse_size(what, limit)

    def _refuse_size(self, what: str, limit: int) -> ReadRefused:
        return ReadRefused(
            UNPROCESSABLE,
            what,
            f"the response has more than {limit:,} {what}; select fewer series, a shorter time or a longer step, "
            f"or raise A4P_REMOTE_READ_{what.upper()}",
        )

    def _check_time(self) -> None:
        check_time()
        if time.monotonic() > self._deadline:
            raise self._refuse_time()

    def _refuse_time(self) -> ReadRefused:
        return ReadRefused(
            OUT_OF_TIME,
            "time",
            f"the request exceeded {self._settings.remote_read_seconds:g} s; select fewer series, "
            "or raise A4P_REMOTE_READ_SECONDS",
        )

    def _match_regex(self, pattern: str, values: Sequence[str]) -> list[bool]:
        with self._open_session() as session:
            clock = threading.Timer(max(0.001, self._deadline - time.monotonic()), session.interrupt)
            clock.start()
            try:
                query = read_sql("remote_read/match_values")
                return [bool(row[0]) for row in session.execute(query, {"values": list(values), "pattern": pattern}).fetchall()]
            except duckdb.InterruptException:
                raise self._refuse_time() from None
            except duckdb.Error as error:
                reason = str(error).splitlines()[0]
                raise MalformedRequest(f"invalid regular expression: {reason}") from None
            finally:
                clock.cancel()
