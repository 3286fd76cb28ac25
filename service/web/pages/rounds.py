"""The pages `/rounds`: the state of each round, the cells of a mission, its uploads, and decisions about submissions."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, Response, request
from werkzeug.datastructures import FileStorage

from metrics.codes import write_code
from metrics.languages import gettext
from service.access.roles import Right
from service.application import Application
from service.client.rounds import RoundsClient, SubmissionReport
from service.documents.formats import FORMATS
from service.errors import LoadError, RoundError, TimeLimitPassed
from service.loading.report import Change, Finding
from service.queries.moments import parse_date
from service.rounds.annotate import annotate
from service.rounds.cells import Cell, list_cells
from service.rounds.comments import MAX_TEXT_LENGTH, Comment, FollowUp, group_by_cell, make_key, needs_follow_up
from service.rounds.grid import CellState, MissionRound
from service.rounds.submissions import MAX_FILE_BYTES, MAX_REASON
from service.rounds.transitions import ALL, Action
from service.system.time_limit import limit_time
from service.web.api.rounds import read_cycle, read_number
from service.web.api.uploads import find_upload, read_name, store_upload
from service.web.authorization import current_identity, requires
from service.web.pages.layout import Page, open_page
from service.web.pages.private import answer_private, explain_missing_right, go_to, link_to_sign_in

MAX_ERRORS = 50
# A page has the workbook in a link, as nothing of a refused upload is stored.
MAX_ANNOTATED_BYTES = 1 << 20
ANNOTATION_SECONDS = 20.0
# The days that a form proposes for an extension.
EXTENDED_FOR = timedelta(days=14)


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes. They read the warehouse itself: a read copy would show decisions late."""
    catalogue = application.definitions.catalogue
    folder = application.settings.data_dir / "tmp"
    titles = {entry.indicator: entry for _, entry in catalogue.indicators}

    def make_client() -> RoundsClient:
        return RoundsClient(application, True, current_identity())

    def render(template: str, status: int = 200, **values: object) -> Response:
        copy = application.read_copy
        page = Page(copy.info if copy else None)
        identity = current_identity()
        body = page.render(
            template,
            hide_moment=True,
            sign_in_link=link_to_sign_in() if identity.is_anonymous else "",
            states=list(CellState),
            titles=titles,
            **values,
        )
        return answer_private(body, status)

    @routes.get("/rounds")
    def show_rounds() -> Response:
        with open_page(application) as page:
            cycles = page.read("pages/list_round_cycles")
        rows = [
            {
                **row,
                "closes_on": catalogue.cycles.find_expiry(row["cycle"]),
                "missions": _count_missions(application.rounds.list_missions(row["cycle"])),
            }
            for row in cycles
        ]
        return render("rounds.html", rows=rows)

    @routes.get("/rounds/<cycle>")
    def show_round(cycle: str) -> Response:
        number = read_cycle(cycle)
        missions = application.rounds.list_missions(number)
        start, end = catalogue.cycles.find_period(number)
        shown = {report.priority for entry in missions for report in entry.reports}
        return render(
            "round.html",
            cycle=number,
            period_start=start,
            period_end=end,
            closes_on=catalogue.cycles.find_expiry(number),
            missions=missions,
            counts=_count_missions(missions),
            priorities=[entry for entry in catalogue.priorities if entry.priority in shown],
            submissions=make_client().find(number),
        )

    @routes.get("/rounds/<cycle>/<mission>")
    def show_mission_round(cycle: str, mission: str) -> Response:
        return show_cells(read_cycle(cycle), mission)

    @routes.post("/rounds/<cycle>/<mission>")
    @requires(Right.SUBMIT)
    def upload_values(cycle: str, mission: str) -> Response:
        number = read_cycle(cycle)
        found = find_upload()
        try:
            with store_upload(found, folder, MAX_FILE_BYTES) as file:
                report = make_client().add_draft(number, mission, file, read_name(found))
        except LoadError as error:
            return show_cells(number, mission, 400, error, _annotate(found, error))
        except RoundError as error:
            return show_cells(number, mission, 400, error)
        return go_to(f"/submissions/{report.submission.submission_id}")

    @routes.post("/rounds/<cycle>/<mission>/extension")
    @requires(Right.APPROVE)
    def extend_round(cycle: str, mission: str) -> Response:
        number = read_cycle(cycle)
        try:
            extended = make_client().extend(
                number, mission, _read_day(request.form.get("until", "")), request.form.get("reason", "").strip()
            )
        except RoundError as error:
            return show_cells(number, mission, 400, error)
        return go_to(
            f"/rounds/{number}/{mission}", gettext("%(mission)s may submit until %(day)s.", mission=mission, day=extended.until)
        )

    def show_cells(
        cycle: int, mission: str, status: int = 200, error: LoadError | RoundError | None = None, annotated: str = ""
    ) -> Response:
        identity = current_identity()
        with application.open_live_session() as session:
            cells = list_cells(session, cycle, mission)
        (entry,) = [entry for entry in application.rounds.list_missions(cycle) if entry.mission == mission]
        states = {(report.indicator, report.period_end): report.state for report in entry.reports}
        today = application.clock().date()
        closes_on = catalogue.cycles.find_expiry(cycle)
        return render(
            "round_mission.html",
            status,
            cycle=cycle,
            mission=mission,
            entry=entry,
            groups=_group(cells, [(priority.priority, priority.title) for priority in catalogue.priorities]),
            cell_states=states,
            closes_on=closes_on,
            is_closed=closes_on is not None and today > closes_on and not (entry.exception and entry.exception.until >= today),
            may_submit=identity.may(Right.SUBMIT, mission),
            refusal=explain_missing_right(identity, Right.SUBMIT, mission),
            may_extend=closes_on is not None and identity.may(Right.APPROVE, ALL),
            proposed_until=today + EXTENDED_FOR,
            submissions=make_client().find(cycle, mission),
            error_text=str(error) if isinstance(error, RoundError) else error.message if error else "",
            annotated=annotated,
            row_errors=error.rows[:MAX_ERRORS] if isinstance(error, LoadError) else (),
        )

    @routes.get("/submissions/<submission>")
    def show_submission(submission: str) -> Response:
        return show_one(read_number(submission))

    @routes.post("/submissions/<submission>/comments")
    @requires(Right.COMMENT)
    def comment_on_cell(submission: str) -> Response:
        number, form, client = read_number(submission), request.form, make_client()
        try:
            position = int(form.get("cell", "") or -1)
            cells = application.submissions.get(number).cells
            if not 0 <= position < len(cells):
                raise RoundError("cell: choose a cell of the submission")
            flag: FollowUp | None = "set" if form.get("follow_up") == "set" else None
            flag = "cleared" if form.get("follow_up") == "cleared" else flag
            client.comment(number, cells[position], form.get("text", ""), flag)
        except (RoundError, ValueError) as error:
            return show_one(number, 400, str(error))
        return go_to(f"/submissions/{number}#cell-{position}", gettext("The comment is added."))

    @routes.post("/submissions/<submission>")
    @requires(Right.READ)
    def decide_submission(submission: str) -> Response:
        number, form = read_number(submission), request.form
        try:
            if form.get("action") not in list(Action):
                raise RoundError(f"action: unknown action {form.get('action', '')[:50]!r}")
            report, batch = make_client().act(
                number, Action(form["action"]), form.get("digest"), form.get("reason", "").strip() or None
            )
        except (LoadError, RoundError) as error:
            return show_one(number, 409 if isinstance(error, LoadError) else 400, str(error))
        state = write_code(report.submission.state)
        text = gettext("Submission %(number)s is %(state)s", number=number, state=state)
        if batch is not None and batch.batch_id is not None:
            text = gettext(
                "Submission %(number)s is %(state)s as batch %(batch)s", number=number, state=state, batch=batch.batch_id
            )
        delays = [f"{delay[0].upper()}{delay[1:]}." for delay in (batch.delays if batch else ())]
        return go_to(request.path, " ".join([f"{text}.", *delays]))

    def show_one(number: int, status: int = 200, error_text: str = "") -> Response:
        report = make_client().report(number)
        return render(
            "submission.html",
            status,
            report=report,
            submission=report.submission,
            rows=_list_rows(report),
            uncommented=report.review.list_uncommented(report.comments) if report.review else [],
            may_comment=report.submission.is_open and current_identity().may(Right.COMMENT, report.submission.mission),
            max_text=MAX_TEXT_LENGTH,
            review=report.review,
            max_reason=MAX_REASON,
            error_text=error_text,
        )


@dataclass(frozen=True)
class Row:
    """A cell of a submission on its page: its position in the submission, its change, its findings and its comments."""

    position: int
    change: Change
    findings: list[Finding]
    thread: list[Comment]
    is_flagged: bool


def _list_rows(report: SubmissionReport) -> list[Row]:
    if report.review is None:
        return []
    threads = group_by_cell(report.comments)
    positions = {
        make_key(cell.indicator, cell.dimensions, cell.period_start, cell.period_end): position
        for position, cell in enumerate(report.submission.cells)
    }
    rows = []
    for change in report.review.batch.changes:
        key = make_key(change.indicator, change.dimensions, change.period_start, change.period_end)
        thread = threads.get(key, [])
        findings = [finding for finding in report.review.preview.findings if report.review.find_change(finding) == change]
        rows.append(Row(positions[key], change, findings, thread, needs_follow_up(thread)))
    return rows


def _annotate(upload: FileStorage, error: LoadError) -> str:
    """Return a faulty workbook with a comment on each faulty cell, as the address of a download; empty for other files."""
    if not any(row.cell for row in error.rows):
        return ""
    upload.stream.seek(0)
    try:
        with limit_time(ANNOTATION_SECONDS):
            annotated = annotate(upload.stream.read(MAX_FILE_BYTES), error.rows, read_name(upload))
    except (LoadError, TimeLimitPassed):
        # The list of errors on the page is sufficient.
        return ""
    return f"data:{FORMATS['xlsx']};base64,{b64encode(annotated).decode()}" if len(annotated) <= MAX_ANNOTATED_BYTES else ""


def _count_missions(missions: list[MissionRound]) -> dict[str, int]:
    """Return the number of missions in each state, in the order of the states."""
    states = [entry.state for entry in missions]
    return {state: states.count(state) for state in CellState if state in states}


def _group(cells: list[Cell], priorities: list[tuple[str, str]]) -> list[tuple[str, list[Cell]]]:
    """Return the title of each priority with its cells."""
    grouped = [(title, [cell for cell in cells if cell.priority == name]) for name, title in priorities]
    return [(title, found) for title, found in grouped if found]


def _read_day(text: str) -> date:
    try:
        return parse_date(text)
    except ValueError as error:
        raise RoundError(f"until: {error}") from None
