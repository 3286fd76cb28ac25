"""Codes that pages and documents print as words, marked for translation: `gettext` translates them where they are printed."""

from __future__ import annotations

from metrics.languages import gettext, mark_message

# A code that is not in this list is printed as it is.
CODES = (
    # Severities and states of alerts.
    mark_message("critical"),
    mark_message("warning"),
    mark_message("info"),
    mark_message("none"),
    mark_message("error"),
    mark_message("firing"),
    mark_message("acknowledged"),
    mark_message("silenced"),
    mark_message("resolved"),
    # Comparisons, directions and changes.
    mark_message("above"),
    mark_message("below"),
    mark_message("higher"),
    mark_message("lower"),
    mark_message("neutral"),
    mark_message("better"),
    mark_message("worse"),
    mark_message("same"),
    mark_message("overdue"),
    mark_message("due"),
    # Statuses of values.
    mark_message("normal"),
    mark_message("estimated"),
    mark_message("provisional"),
    mark_message("under validation"),
    mark_message("missing"),
    mark_message("not collected"),
    mark_message("not applicable"),
    # Levels, booleans and units.
    mark_message("low"),
    mark_message("medium"),
    mark_message("high"),
    mark_message("yes"),
    mark_message("no"),
    mark_message("count"),
    mark_message("days"),
    mark_message("ratio"),
    mark_message("boolean"),
    mark_message("level"),
    mark_message("meters"),
    mark_message("square_meters"),
    # Frequencies.
    mark_message("half-yearly"),
    mark_message("annual"),
    mark_message("irregularly"),
    # States of reports, submissions and comments.
    mark_message("draft"),
    mark_message("submitted"),
    mark_message("validated"),
    mark_message("approved"),
    mark_message("published"),
    mark_message("returned"),
    mark_message("withdrawn"),
    mark_message("refused"),
    mark_message("not reported"),
    mark_message("in progress"),
    mark_message("reported"),
    mark_message("complete"),
    mark_message("set"),
    mark_message("cleared"),
    mark_message("new"),
    mark_message("revised"),
    mark_message("unchanged"),
    # Actions.
    mark_message("submit"),
    mark_message("validate"),
    mark_message("approve"),
    mark_message("publish"),
    mark_message("return"),
    mark_message("withdraw"),
    # Runs of jobs and messages.
    mark_message("succeeded"),
    mark_message("failed"),
    mark_message("interrupted"),
    mark_message("missed"),
    mark_message("running"),
    mark_message("waiting"),
    mark_message("sent"),
    # Roles.
    mark_message("reader"),
    mark_message("contributor"),
    mark_message("analyst"),
    mark_message("approver"),
    mark_message("administrator"),
    # Results in the audit.
    mark_message("done"),
    mark_message("denied"),
    # Kinds of results of a search.
    mark_message("Indicator"),
    mark_message("KPI"),
    mark_message("Mission"),
    mark_message("Priority"),
    mark_message("Cycle"),
    mark_message("Note"),
    mark_message("Page"),
    mark_message("Term"),
    # Headings of dimensions.
    mark_message("action"),
    mark_message("area"),
    mark_message("cause"),
    mark_message("incident date"),
    mark_message("outcome"),
    mark_message("personnel"),
    mark_message("training"),
    mark_message("indicator"),
    # Causes for which an alert ended.
    mark_message("limit removed"),
    mark_message("limit changed"),
    mark_message("KPI recomputed"),
    mark_message("mission closed"),
    mark_message("reports loaded"),
    mark_message("next deadline"),
    # Others.
    mark_message("not due"),
    mark_message("Closed mission"),
    mark_message("revision"),
    mark_message("removal"),
)


def write_code(code: str) -> str:
    """Return a code as words in the language in use."""
    text = code.replace("_", " ")
    return gettext(text) if text else ""
