"""The template of a round, for the API and the pages."""

from __future__ import annotations

from collections.abc import Callable

from flask import Response

from service.application import Application
from service.documents.formats import FORMATS
from service.rounds.template import make_template, name_template
from service.web.answer_cache import AnswerCache, answer_bytes
from service.web.api.copies import open_copy

# About 25 kB each.
MAX_CACHED = 50


def make_template_view(application: Application) -> Callable[[int, str], Response]:
    """Return a view of the template of a cycle and a mission. It raises RoundUnknown."""
    cache: AnswerCache[bytes] = AnswerCache(MAX_CACHED, application.pages)

    def download(cycle: int, mission: str) -> Response:
        copy = open_copy(application)

        def make() -> bytes:
            with copy.open_session() as session:
                return make_template(session, cycle, mission)

        response = answer_bytes(cache.find(copy, (cycle, mission), make), FORMATS["xlsx"])
        response.headers["Content-Disposition"] = f'attachment; filename="{name_template(cycle, mission)}"'
        return response

    return download
