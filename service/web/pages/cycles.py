"""The pages `/cycles` and `/cycles/<n>`: the list of reporting cycles, and the document of a cycle with downloads."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, abort

from metrics.languages import get_language
from service.application import Application
from service.documents.document import Document, write_document
from service.documents.formats import FORMATS, name_file, open_cycle, render_cycle
from service.documents.html import render_body
from service.documents.report import CycleReport
from service.errors import ReportError
from service.snapshots.read_copy import ReadCopy
from service.web.answer_cache import AnswerCache, answer_bytes, answer_compressed, compress
from service.web.pages.layout import HTML, cache_pages, open_page, read_moment
from service.web.problems import NOT_READY

# Documents and rendered files, about half a megabyte each.
MAX_CACHED = 20
MAX_FILE_BYTES = 10 << 20


def add_routes(routes: Blueprint, application: Application) -> None:
    """Add the pages to the routes."""
    cached = cache_pages(application)
    cycles: AnswerCache[tuple[CycleReport, Document]] = AnswerCache(MAX_CACHED, application.pages)
    files: AnswerCache[bytes] = AnswerCache(MAX_CACHED, application.pages, MAX_FILE_BYTES)

    def find_cycle(copy: ReadCopy, cycle: int, known_at: datetime | None) -> tuple[CycleReport, Document]:
        def make() -> tuple[CycleReport, Document]:
            report = open_cycle(copy, cycle, known_at, application.definitions)
            return report, write_document(report, engine=application.drawing.draw)

        try:
            return cycles.find(copy, (cycle, known_at, get_language().code), make)
        except ReportError as error:
            abort(404, str(error))

    @routes.get("/cycles")
    @cached
    def list_all_cycles() -> str:
        with open_page(application) as page:
            return page.render("cycles.html", cycles=page.read("cycles/list"), kinds=list(FORMATS))

    @routes.get("/cycles/<int:cycle>")
    def show_cycle(cycle: int) -> Response:
        with open_page(application) as page:
            copy = application.read_copy
            assert copy is not None
            _, document = find_cycle(copy, cycle, page.known_at)
            html = page.render("cycle.html", cycle=cycle, body=render_body(document), kinds=list(FORMATS))
        return answer_compressed(compress(html), HTML)

    @routes.get("/cycles/<int:cycle>.<any(html, pdf, xlsx):kind>")
    def download_cycle(cycle: int, kind: str) -> Response:
        _, known_at = read_moment()
        copy = application.read_copy
        if copy is None:
            abort(503, NOT_READY)
        report, document = find_cycle(copy, cycle, known_at)
        body = files.find(copy, (cycle, kind, known_at, get_language().code), lambda: render_cycle(report, kind, document))
        response = answer_bytes(body, FORMATS[kind])
        # The file contains its style, which the Content-Security-Policy of pages forbids. So it is saved and not shown.
        response.headers["Content-Disposition"] = f'attachment; filename="{name_file(cycle, kind)}"'
        return response
