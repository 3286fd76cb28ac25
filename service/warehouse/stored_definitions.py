"""Stored definitions: versions of the catalogue, of KPIs and of feeds, and their comparison with the current files."""

from __future__ import annotations

from datetime import datetime

from metrics.catalogue import Catalogue
from metrics.feeds import Feed
from metrics.kpi_file import Kpi
from service.warehouse.database import Connection, Warehouse, after_newest, run_sql
from service.warehouse.migrations import list_migrations


def is_current(copy: Connection, catalogue: Catalogue) -> bool:
    """Return whether a read copy has the tables of this release and the definitions of this catalogue."""
    newest = copy.execute(
        "select (select list(version) from store.migrations), "
        "(select digest from store.catalogues order by catalogue_version desc limit 1)"
    ).fetchone()
    return (
        newest is not None and set(newest[0]) == {number for number, _ in list_migrations()} and newest[1] == catalogue.digest()
    )


def store_catalogue(warehouse: Warehouse, catalogue: Catalogue, now: datetime) -> None:
    """Do `append_catalogue` in a transaction of its own."""
    with warehouse.write() as cursor:
        append_catalogue(cursor, catalogue, now)


def append_catalogue(cursor: Connection, catalogue: Catalogue, now: datetime) -> None:
    """Record the catalogue as its next version, unless it equals the newest."""
    newest = cursor.execute(
        "select catalogue_version, digest from store.catalogues order by catalogue_version desc limit 1"
    ).fetchone()
    if newest is not None and newest[1] == catalogue.digest():
        return
    run_sql(
        cursor,
        "definitions/store_catalogue",
        version=1 if newest is None else newest[0] + 1,
        digest=catalogue.digest(),
        definitions=catalogue.to_json(),
        now=now,
    )


INSERT_KPI = """
    insert into store.kpis
        (kpi, title, description, unit, better, priority, metric, inputs, feed, window_days, maximum, digest, recorded_at)
    values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def store_kpis(warehouse: Warehouse, kpis: tuple[Kpi, ...], now: datetime) -> None:
    """Do `append_kpis` in a transaction of its own."""
    with warehouse.write() as cursor:
        append_kpis(cursor, kpis, now)


def append_kpis(cursor: Connection, kpis: tuple[Kpi, ...], now: datetime) -> None:
    """Record the definition of each KPI that is new or changed, and the end of each that no longer exists."""
    now = after_newest(cursor, "kpis", "recorded_at", now)
    stored = {
        row[0]: row
        for row in cursor.execute(
            "select kpi, title, description, unit, better, priority, metric, inputs, feed, window_days, maximum, digest "
            "from store.newest_kpis"
        ).fetchall()
    }
    defined = {
        kpi.kpi: (
            kpi.kpi, kpi.title, kpi.description, kpi.unit, kpi.better, kpi.priority, kpi.metric,
            list(kpi.inputs), kpi.feed, kpi.window_days, kpi.maximum, kpi.digest(),
        )
        for kpi in kpis
    }  # fmt: skip
    for name, row in defined.items():
        if stored.get(name) != row:
            cursor.execute(INSERT_KPI, [*row, now])
    for name, row in stored.items():
        if name not in defined and row[-1] is not None:
            cursor.execute(INSERT_KPI, [*row[:-1], None, now])


def store_feeds(warehouse: Warehouse, feeds: tuple[Feed, ...], now: datetime) -> None:
    """Do `append_feeds` in a transaction of its own."""
    with warehouse.write() as cursor:
        append_feeds(cursor, feeds, now)


def append_feeds(cursor: Connection, feeds: tuple[Feed, ...], now: datetime) -> None:
    """Record the next version of each feed that is new or changed, and the end of each that no longer exists."""
    stored = {
        feed: (version, digest)
        for feed, version, digest in cursor.execute("select feed, feed_version, digest from store.newest_feeds").fetchall()
    }
    for feed in feeds:
        version, digest = stored.pop(feed.feed, (0, None))
        if digest != feed.digest():
            run_sql(
                cursor, "definitions/store_feed", feed=feed.feed, version=version + 1, title=feed.title,
                description=feed.description, source=feed.source, licence=feed.licence, attribution=feed.attribution,
                digest=feed.digest(), now=now,
            )  # fmt: skip
    for name, (version, digest) in stored.items():
        if digest is not None:
            run_sql(cursor, "definitions/end_feed", feed=name, version=version + 1, now=now)
