"""The two published files of the fatality data set of the United Nations, first the older, then the newer."""

from __future__ import annotations

from tests.conftest import Read
from tests.events.conftest import LoadExport
from tests.events.exports import NEWER, OLDER, needs_real_files

pytestmark = needs_real_files
BETWEEN = "(select recorded_at from batches where batch_id = 1)"


def test_every_row_of_both_files_is_an_event_a_duplicate_or_left_out(load_export: LoadExport, read: Read) -> None:
    older, newer = load_export(OLDER), load_export(NEWER)
    for report, rows in ((older, 4350), (newer, 4429)):
        assert report.row_count == rows
        assert report.new + report.changed + report.unchanged + report.duplicates + report.left_out_count == rows
        assert (report.duplicates, report.unreadable_count, report.withdrawn, report.conflicts) == (6, 0, 0, 0)
    # 79 casualties are new, 5 of them in missions that are no peacekeeping missions.
    assert newer.new + newer.left_out_count - older.left_out_count == 79
    assert load_export(NEWER).batch_id is None and load_export(OLDER).batch_id is None


def test_known_counts_agree(load_export: LoadExport, read: Read) -> None:
    load_export(NEWER)
    assert read(
        "select count(*) from events "
        "where kind = 'Malicious act' and occurred_on between date '2017-01-01' and date '2024-09-03' "
        "and (mission in (select mission from missions where status = 'active') or mission in ('MINUSMA', 'UNAMID', "
        "'MINUSTAH', 'MINUJUSTH', 'UNOCI', 'UNMIL'))"
    ) == [(196,)]
    assert read("select count(*) from events where kind = 'Malicious act' and year(occurred_on) = 2020") == [(13,)]
    assert read("select min(year(occurred_on)) from events") == [(1948,)]


def test_every_changed_count_is_explained_by_new_and_reclassified_events(load_export: LoadExport, read: Read) -> None:
    load_export(OLDER)
    alone = read("select mission, year(occurred_on), kind, count(*) from events group by all order by all")
    report = load_export(NEWER)
    assert (
        read(f"select mission, year(occurred_on), kind, count(*) from events_known_at({BETWEEN}) group by all order by all")
        == alone
    )
    causes = {(change.before, change.after): change.events for change in report.changes if change.field == "kind"}
    assert causes[("To be determined", "Illness")] == 57
    differences = dict(
        read(
            f"select kind, sum(n)::integer from (select kind, 1 as n from events union all "
            f"select kind, -1 from events_known_at({BETWEEN})) group by kind"
        )
    )
    new = dict(
        read("select kind, count(*) from event_revisions where batch_id = ? and change = 'new' group by kind", report.batch_id)
    )
    for kind, difference in differences.items():
        into = sum(events for (_, after), events in causes.items() if after == kind)
        away = sum(events for (before, _), events in causes.items() if before == kind)
        assert difference == new.get(kind, 0) + into - away, kind


def test_the_order_of_the_files_does_not_matter(load_export: LoadExport, read: Read) -> None:
    load_export(OLDER)
    load_export(NEWER)
    content = "select * exclude (recorded_at, batch_id) from events order by event_id"
    expected = read(content)
    read("delete from store.events")
    read("delete from store.event_batches")
    load_export(NEWER)
    load_export(OLDER)
    assert read(content) == expected
