"""The pages `/about` and `/glossary`: what A4P+ is, how to read the pages, and the terms they use."""

from __future__ import annotations

from flask import Blueprint

from metrics.codes import write_code
from metrics.languages import gettext, mark_message
from metrics.values import MARKS, STATUS_TEXT
from service.application import Application
from service.web.pages.layout import cache_pages, open_page

STATUS_MEANING = {
    "A": mark_message("A reported value without reservations. It has no mark."),
    "E": mark_message(
        "The value is rounded, a bound such as “over 5,000”, or follows from printed values; its note says which."
    ),
    "P": mark_message("The value may change, or it can be read in two ways; its note has the other reading."),
    "V": mark_message("The mission or department is still checking the value."),
    "O": mark_message("A value was expected and was not given."),
    "L": mark_message("The reporter states that the value was not collected."),
    "M": mark_message("A value cannot exist, such as SOFA incidents of a mission without an agreement."),
}


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    cached = cache_pages(application)
    definitions = application.definitions
    catalogue = definitions.catalogue
    counts = {priority.priority: 0 for priority in catalogue.priorities}
    for priority, _ in catalogue.indicators:
        counts[priority] += 1

    @routes.get("/about")
    @cached
    def show_about() -> str:
        with open_page(application) as page:
            return page.render(
                "about.html",
                priorities=catalogue.priorities,
                counts=counts,
                mission_count=sum(mission.status == "active" for mission in catalogue.missions),
                statuses=[
                    (status, write_code(text), MARKS.get(status), gettext(STATUS_MEANING[status]))
                    for status, text in STATUS_TEXT.items()
                ],
            )

    @routes.get("/glossary")
    @cached
    def show_glossary() -> str:
        with open_page(application) as page:
            return page.render("glossary.html", terms=definitions.glossary)
