"""Common parts of all pages: read copy, as-of and known-at parameters, layout and cache.

A page is a route of this form:

    with open_page(application) as page:
        rows = page.read("pages/list_jobs", last=50)
        return page.render("jobs.html", rows=rows)

and a template that extends base.html. A path in NAVIGATION gets a link.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from flask import Response, abort, current_app, render_template, request

from metrics.catalogue import Catalogue
from metrics.codes import write_code
from metrics.languages import (
    NAMES,
    get_language,
    gettext,
    localize,
    mark_message,
    translate,
    translate_rows,
    write_base,
    write_day,
    write_integer,
    write_period,
)  # fmt: skip
from metrics.values import MARKS, STATUS_TEXT, judge_change, write_change, write_value
from service.access.store import read_time
from service.application import Application
from service.queries.moments import find_last_as_of, parse_as_of, parse_instant
from service.snapshots.read_copy import SnapshotInfo
from service.warehouse.database import Connection, read_rows, run_sql
from service.web.answer_cache import AnswerCache, answer_compressed, compress
from service.web.pages.cards import label_cells
from service.web.pages.parts import PARTS
from service.web.problems import NOT_READY

T = TypeVar("T")
# Such as: contributor of UNMISS: submit.
_ACTOR = re.compile(r"(\w+ of )(\w+)(: .*)")
HTML = "text/html; charset=utf-8"
MAX_CACHED = 200
# Paths without a route get no link.
NAVIGATION = (
    ("/", mark_message("Overview")),
    ("/priorities", mark_message("Priorities")),
    ("/indicators", mark_message("Indicators")),
    ("/missions", mark_message("Missions")),
    ("/events", mark_message("Events")),
    ("/cycles", mark_message("Cycles")),
    ("/rounds", mark_message("Rounds")),
    ("/thresholds", mark_message("Thresholds")),
    ("/alerts", mark_message("Alerts")),
    ("/quality", mark_message("Quality")),
    ("/sql", mark_message("SQL")),
)


@dataclass(frozen=True)
class Page:
    """A page of a request. `as_of` and `known_at` are the requested parameters, None for the latest values.

    `info` is None on error pages without a snapshot.
    """

    info: SnapshotInfo | None
    as_of: date | None = None
    known_at: datetime | None = None
    session: Connection | None = None

    def read(self, query: str, **parameters: object) -> list[dict[str, Any]]:
        """Return the rows of `sql/<query>.sql`, each a dictionary by column, with texts in the language of the page."""
        assert self.session is not None
        return translate_rows(read_rows(run_sql(self.session, query, **parameters)))

    @property
    def values_as_of(self) -> date | None:
        """The as-of date of the values of the page."""
        return self.as_of or (self.info.as_of if self.info else None)

    @property
    def last_as_of(self) -> date:
        """The latest as-of date that a reader can request."""
        return find_last_as_of()

    @property
    def moment(self) -> dict[str, str]:
        """The as_of and known_at of this page as parameters of a link."""
        moment = {}
        if self.as_of is not None:
            moment["as_of"] = self.as_of.isoformat()
        if self.known_at is not None:
            moment["known_at"] = self.known_at.replace(tzinfo=None).isoformat() + "Z"
        return moment

    def link(self, path: str, *parts: str, **query: str | None) -> str:
        """Return a link to a path and further parts that preserves as_of and known_at. Empty parameters are omitted."""
        whole = "/".join([path, *(quote(part, safe="") for part in parts)])
        given = {name: value for name, value in {**query, **self.moment}.items() if value}
        return f"{whole}?{urlencode(given)}" if given else whole

    def render(self, template: str, **values: object) -> str:
        """Return the page's HTML."""
        return label_cells(render_template(template, page=self, navigation=list_navigation(), **values))

    @property
    def latest_link(self) -> str:
        """The link to this page with the latest values."""
        return f"{request.path}?{urlencode(self.other_parameters)}" if self.other_parameters else request.path

    @property
    def other_parameters(self) -> list[tuple[str, str]]:
        """The parameters of this page for the form that changes the date: another date may have fewer parts of a table."""
        without = ("as_of", "known_at", "lang", *PARTS)
        return [(name, value) for name, value in request.args.items(multi=True) if name not in without]

    @property
    def language(self) -> str:
        """The code of the language of this page."""
        return get_language().code

    @property
    def language_links(self) -> list[tuple[str, str, str]]:
        """The code and the name of each language, and the link to this page in it."""
        given = [(name, value) for name, value in request.args.items(multi=True) if name != "lang"]
        return [(code, name, f"{request.path}?{urlencode([*given, ('lang', code)])}") for code, name in NAMES.items()]


@contextmanager
def open_page(application: Application) -> Iterator[Page]:
    """Yield the requested page. Aborts with 400 for an invalid as_of or known_at, with 503 before the first snapshot."""
    as_of, known_at = read_moment()
    copy = application.read_copy
    if copy is None:
        abort(503, NOT_READY)
    with copy.open_session(as_of, known_at) as session:
        yield Page(copy.info, as_of, known_at, session)


def cache_pages(application: Application) -> Callable[[Callable[..., str]], Callable[..., Response]]:
    """Return a decorator that caches the pages of a view until the read copy is replaced."""
    cache: AnswerCache[bytes] = AnswerCache(MAX_CACHED, application.pages, is_prepared=True)

    def cached(view: Callable[..., str]) -> Callable[..., Response]:
        @wraps(view)
        def answer(**parts: str) -> Response:
            return answer_page(application, cache, lambda: view(**parts))

        return answer

    return cached


def answer_page(application: Application, cache: AnswerCache[bytes], make: Callable[[], str], live: object = None) -> Response:
    """Return the requested page from the cache, or make it. `live` is the data that the page shows besides the read copy."""
    copy = application.read_copy
    body = (
        cache.find(copy, (request.full_path, repr(live), get_language().code), lambda: compress(make()))
        if copy
        else compress(make())
    )
    return answer_compressed(body, HTML)


def read_moment() -> tuple[date | None, datetime | None]:
    """Return as_of and known_at of the request, None if absent or empty. Aborts with 400 if they are invalid."""
    return _read_parameter("as_of", parse_as_of), _read_parameter("known_at", parse_instant)


def _read_parameter(name: str, parse: Callable[[str], T]) -> T | None:
    given = request.args.get(name)
    try:
        # Forms send empty fields.
        return parse(given) if given else None
    except ValueError as error:
        abort(400, f"{name}: {error}")


def has_page(path: str) -> bool:
    """Return whether a route with this path exists."""
    return any(rule.rule == path for rule in current_app.url_map.iter_rules())


def list_navigation() -> list[tuple[str, str, bool]]:
    """Return path, title and whether it is the current page, of each existing page."""
    return [
        (path, gettext(title), request.path == path or (path != "/" and request.path.startswith(f"{path}/")))
        for path, title in NAVIGATION
        if has_page(path)
    ]


def write_instant(instant: datetime | None) -> str:
    """Return an instant in UTC, such as 2024-04-30 12:00 UTC."""
    return "" if instant is None else f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def write_stored_time(text: str | None) -> str:
    """Return a time of the database of users in UTC, such as 2024-04-30 12:00 UTC."""
    return write_instant(read_time(text)) if text else ""


def write_labels(dimensions: dict[str, str]) -> str:
    """Return dimension values as text, such as Engineering or Female, Police."""
    return ", ".join(translate(str(value)) for value in dimensions.values())


def write_actor(text: str) -> str:
    """Return who acts next in a round, as its modules write it in English, in the language of the page."""
    found = _ACTOR.fullmatch(text)
    translated = gettext(text) if text else ""
    if translated != text or found is None:
        return translated
    message = f"{found[1]}{{mission}}{found[3]}"
    return gettext(message).format(mission=found[2])


def write_dimensions(names: Iterable[str]) -> str:
    """Return the names of dimensions as the heading of a column."""
    return ", ".join(map(write_code, names)).capitalize()


def list_template_functions(catalogue: Catalogue) -> dict[str, object]:
    """Return the functions and constants of all templates."""
    return {
        "write_value": write_value,
        "write_change": write_change,
        "judge_change": judge_change,
        "write_day": write_day,
        "write_instant": write_instant,
        "write_integer": write_integer,
        "write_period": write_period,
        "write_base": write_base,
        "localize": localize,
        "translate": translate,
        "write_actor": write_actor,
        "write_code": write_code,
        "write_dimensions": write_dimensions,
        "write_stored_time": write_stored_time,
        "write_labels": write_labels,
        "has_page": has_page,
        "status_text": STATUS_TEXT,
        "status_marks": MARKS,
        "current_missions": catalogue.current_missions,
        "closed_missions": catalogue.closed_missions,
    }
