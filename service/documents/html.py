"""A cycle as HTML: the body of a page, and a self-contained file."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from metrics.codes import write_code
from metrics.languages import choose_plural, gettext, pgettext
from metrics.values import STATUS_TEXT
from service.documents.document import Document
from service.settings import find_in_tree


@cache
def _make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(find_in_tree("service") / "documents" / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(gettext, choose_plural, newstyle=True, pgettext=pgettext)  # type: ignore[attr-defined]
    return environment


def render_body(document: Document) -> Markup:
    """Return the document as HTML without a head, style or script, with inline charts."""
    marks = {status: write_code(text) for status, text in STATUS_TEXT.items()}
    return Markup(
        _make_environment().get_template("cycle_body.html").render(document=document, marks=marks, write_code=write_code)
    )


def render_html(document: Document) -> bytes:
    """Return one self-contained file with styles and charts."""
    style = (find_in_tree("service") / "web" / "static" / "cycle.css").read_text(encoding="utf-8")
    text = (
        _make_environment().get_template("cycle_file.html").render(document=document, style=style, body=render_body(document))
    )
    return text.encode()
