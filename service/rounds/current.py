"""Collection rounds as they are now: the state of every mission, its metrics, and reminders of overdue reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from metrics.cycles import Cycles
from service.access.access import Access
from service.jobs.self_metrics import SelfMetrics
from service.queries.moments import set_moment
from service.rounds.cells import check_round
from service.rounds.grid import MissionRound, judge_round, read_reports
from service.rounds.outbox import Outbox
from service.rounds.reminders import add_reminders
from service.rounds.submissions import Submissions
from service.snapshots.cache import use_complete_cache
from service.snapshots.snapshot import find_as_of_date
from service.warehouse.database import Connection, run_sql


class CurrentRounds:
    """The rounds of the warehouse that `open_session` yields a session of."""

    def __init__(
        self,
        cycles: Cycles,
        access: Access,
        submissions: Submissions,
        outbox: Outbox,
        self_metrics: SelfMetrics,
        open_session: Callable[[], AbstractContextManager[Connection]],
    ) -> None:
        self._cycles = cycles
        self._store = access.store
        self._submissions = submissions
        self._outbox = outbox
        self._self_metrics = self_metrics
        self._open_session = open_session

    def list_missions(self, cycle: int) -> list[MissionRound]:
        """Return the state of every mission in the round of a cycle, now. Raises RoundUnknown."""
        with self._open_session() as session:
            now = self._store.clock()
            _prepare(session, now)
            check_round(session, cycle)
            return self._judge(session, [cycle], now)[cycle]

    def record_metrics(self) -> None:
        """Bring the metrics of the newest rounds up to date."""
        self._self_metrics.record_rounds(
            [
                (str(cycle), entry.mission, entry.state, entry.overdue_days)
                for cycle, entries in self._list_newest().items()
                for entry in entries
            ]
        )

    def add_reminders(self) -> int:
        """Append messages to missions with overdue reports to the outbox. Return how many."""
        if not self._outbox.is_enabled:
            return 0
        return sum(
            add_reminders(self._store, self._outbox, cycle, self._cycles.find_expiry(cycle), rounds)
            for cycle, rounds in self._list_newest().items()
        )

    def _list_newest(self) -> dict[int, list[MissionRound]]:
        with self._open_session() as session:
            now = self._store.clock()
            _prepare(session, now)
            cycles = [cycle for (cycle,) in run_sql(session, "rounds/list_newest_cycles").fetchall()]
            return self._judge(session, cycles, now)

    def _judge(self, session: Connection, cycles: Sequence[int], now: datetime) -> dict[int, list[MissionRound]]:
        return {
            cycle: judge_round(rows, self._submissions.find(cycle), self._submissions.list_exceptions(cycle), now.date())
            for cycle, rows in read_reports(session, cycles).items()
        }


def _prepare(session: Connection, now: datetime) -> None:
    session.begin()
    use_complete_cache(session)
    set_moment(session, find_as_of_date(now).isoformat())
