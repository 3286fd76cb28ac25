"""What every page shares: the read copy it answers from, as of when, and the frame it is shown in.

A page is a route that does

    with open_page(application) as page:
        rows = page.read("pages/list_jobs", last=50)
        return page.render("jobs.html", rows=rows)

and a template that extends base.html. Its path goes into NAVIGATION to have a link.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response, abort, current_app, render_template, request

from metrics.figures import NO_BREAK, STATUS_TEXT, judge_change, write_change, write_figure
from service.application import Application
from service.read_copy import SnapshotInfo
from service.warehouse import Connection, read_rows, run_sql
from service.web.kept import KeptAnswers, answer_bytes
from service.web.problems import NOT_READY

# About 20 MB of those that show most.
MAX_KEPT = 200
# A link appears once its route exists.
NAVIGATION = (
    ("/", "Overview"),
    ("/priorities", "Priorities"),
    ("/indicators", "Indicators"),
    ("/missions", "Missions"),
    ("/cycles", "Cycles"),
    ("/thresholds", "Thresholds"),
    ("/quality", "Quality"),
    ("/sql", "SQL"),
    ("/jobs", "Jobs"),
)


@dataclass(frozen=True)
class Page:
    """One page being answered: `as_of` and `known_at` as asked for, None where the newest is meant.

    `info` is None on an error page that needs no figures.
    """

    info: SnapshotInfo | None
    as_of: date | None = None
    known_at: datetime | None = None
    session: Connection | None = None

    def read(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """Return the rows of `sql/<query>.sql`, each a dictionary by column."""
        assert self.session is not None
        return read_rows(run_sql(self.session, query, **parameters))

    @property
    def held_as_of(self) -> date | None:
        """The date that the figures of the page hold as of."""
        return self.as_of or (self.info.as_of if self.info else None)

    @property
    def moment(self) -> dict[str, str]:
        """The as-of and known-at of this page as the query of a link."""
        moment = {}
        if self.as_of is not None:
            moment["as_of"] = self.as_of.isoformat()
        if self.known_at is not None:
            moment["known_at"] = self.known_at.replace(tzinfo=None).isoformat() + "Z"
        return moment

    def link(self, path: str, *parts: str, **query: str | None) -> str:
        """Return a link to a path and its further parts that keeps the moment; an empty or None query value is left out."""
        whole = "/".join([path, *(quote(part, safe="") for part in parts)])
        given = {name: value for name, value in {**query, **self.moment}.items() if value}
        return f"{whole}?{urlencode(given)}" if given else whole

    def render(self, template: str, **values: object) -> str:
        """Return the page's HTML."""
        return render_template(template, page=self, navigation=list_navigation(), **values)

    @property
    def newest_link(self) -> str:
        """This page with its newest figures."""
        return f"{request.path}?{urlencode(self.kept_query)}" if self.kept_query else request.path

    @property
    def kept_query(self) -> list[tuple[str, str]]:
        """What the query of this page has beside the moment, for the form that changes the moment."""
        return [(name, value) for name, value in request.args.items(multi=True) if name not in ("as_of", "known_at")]


@contextmanager
def open_page(application: Application) -> Iterator[Page]:
    """Give the page that is asked for; 400 where its moment is none, 503 before the first snapshot."""
    as_of, known_at = read_moment()
    copy = application.read_copy
    if copy is None:
        abort(503, NOT_READY)
    with copy.ask(as_of, known_at) as session:
        yield Page(copy.info, as_of, known_at, session)


def keep_pages(application: Application) -> Callable[[Callable[..., str]], Callable[..., Response]]:
    """Return what makes a view keep its pages for as long as the read copy is served: they are the same until then."""
    kept: KeptAnswers[str] = KeptAnswers(MAX_KEPT, application.pages)

    def keep(view: Callable[..., str]) -> Callable[..., Response]:
        @wraps(view)
        def answer(**parts: str) -> Response:
            return answer_page(application, kept, lambda: view(**parts))

        return answer

    return keep


def answer_page(application: Application, kept: KeptAnswers[str], make: Callable[[], str], live: object = None) -> Response:
    """Return the page being asked for, made unless it is kept; `live` is what it shows beside the read copy."""
    copy = application.read_copy
    body = kept.find(copy, (request.full_path, repr(live)), make) if copy else make()
    return answer_bytes(body.encode(), "text/html; charset=utf-8")


def read_moment() -> tuple[date | None, datetime | None]:
    """Return as_of and known_at of the request, None where they are not given; aborts with 400 where they are no moment."""
    as_of, known_at = request.args.get("as_of", ""), request.args.get("known_at", "")
    try:
        day = date.fromisoformat(as_of) if as_of else None
    except ValueError:
        abort(400, f"as_of: {as_of!r} is not a date. Write it like 2023-10-31.")
    try:
        instant = datetime.fromisoformat(known_at) if known_at else None
        # Without an offset it is meant in UTC, as everything here.
        instant = instant if instant is None or instant.tzinfo else instant.replace(tzinfo=UTC)
        return day, instant.astimezone(UTC) if instant else None
    except (ValueError, OverflowError):
        abort(400, f"known_at: {known_at!r} is not a time. Write it like 2024-07-01T12:00, in UTC.")


def has_page(path: str) -> bool:
    """Return whether there is a route of this path."""
    return any(rule.rule == path for rule in current_app.url_map.iter_rules())


def list_navigation() -> list[tuple[str, str, bool]]:
    """Return path, title and whether it is where the request is, of each page that exists."""
    return [
        (path, title, request.path == path or (path != "/" and request.path.startswith(f"{path}/")))
        for path, title in NAVIGATION
        if has_page(path)
    ]


def write_day(day: date | None) -> str:
    """Return a date as in text, such as 30 Apr 2024."""
    return "" if day is None else f"{day.day}{NO_BREAK}{day:%b}{NO_BREAK}{day.year}"


def write_instant(instant: datetime | None) -> str:
    """Return an instant in UTC, such as 2024-04-30 12:00 UTC."""
    return "" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def write_labels(dimensions: dict[str, str]) -> str:
    """Return dimension values as people read them, such as Engineering or Female, Police."""
    return ", ".join(str(value) for value in dimensions.values())


def suggest_names(name: str, known: Iterable[str]) -> str:
    """Return a sentence that suggests up to three known names similar to an unknown one, or an empty string."""
    folded = {entry.lower(): entry for entry in known}
    similar = [folded[entry] for entry in difflib.get_close_matches(name.lower(), folded, 3, 0.5)]
    return f"Did you mean {' or '.join(similar)}?" if similar else ""


def describe_names() -> dict[str, object]:
    """Return what templates may use beside their own values."""
    return {
        "write_figure": write_figure,
        "write_change": write_change,
        "judge_change": judge_change,
        "write_day": write_day,
        "write_instant": write_instant,
        "write_labels": write_labels,
        "has_page": has_page,
        "status_text": STATUS_TEXT,
    }
