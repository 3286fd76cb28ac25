"""Vega-Lite specifications of charts: layers, panels and style, drawn by vl-convert.

As a program it draws for another process: one specification per input line, one SVG per output line, both JSON.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import vl_convert

from metrics.languages import find_separators, get_language, list_names

FINAL, PROVISIONAL, EARLIER, LIMIT, NONE, INK, PAPER = (
    "#1f6aa5",
    "#cfe2f1",
    "#66737f",
    "#c2410c",
    "#eceff2",
    "#1b2733",
    "#ffffff",
)
# vl-convert contains Liberation Sans, which has the widths of Arial, and measures text with it.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
CHARACTER_PIXELS = 6.2
PADDING = 4
VEGA_LITE = "6.4"
Spec = dict[str, Any]
Engine = Callable[[str], str]
# The chart is one image with a description; the roles of its parts add no information.
_INNER_ROLES = re.compile(r' (?:role="graphics-[a-z]+"|aria-[a-z]+="[^"]*")')
DASH_IF_NOT_FINAL = {"condition": {"test": "datum.not_final", "value": [4, 2]}, "value": [1, 0]}


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite specification as JSON, with title and description for screen readers."""

    spec: str
    title: str
    description: str


def style_not_final() -> Spec:
    """Return the encoding of a mark whose value may be estimated or provisional."""
    # The outline is dashed as well, because a light fill is lost in copies.
    return {
        "color": {"condition": {"test": "datum.not_final", "value": PROVISIONAL}, "value": FINAL},
        "stroke": {"value": FINAL},
        "strokeDash": DASH_IF_NOT_FINAL,
    }


def layer(kind: str, mark: Spec, **encoding: Any) -> Spec:
    """Return the layer that draws the rows of one kind."""
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark, "encoding": encoding}


def text_layer(kind: str, x: Spec, y: Spec, color: Spec | None = None, **mark: Any) -> Spec:
    """Return the layer with the column `text` of the rows of one kind."""
    encoding = {"x": x, "y": y, "text": {"field": "text"}, **({"color": color} if color else {})}
    return layer(kind, {"type": "text", "fontSize": 11, **mark}, **encoding)


def outlined_text_layers(kind: str, x: Spec, y: Spec, color: Spec, **mark: Any) -> list[Spec]:
    """Return the layers of a text as by `text_layer`, and below it of its light outline: it is readable on lines and bars."""
    return [
        text_layer(kind, x, y, {"value": PAPER}, stroke=PAPER, strokeWidth=3, **mark),
        text_layer(kind, x, y, color, **mark),
    ]


def arrange(panel: Spec, names: list[str], columns: int) -> Spec:
    """Return one panel, or the panels of several series in the order of the column `order`."""
    if len(names) == 1:
        return panel
    # A longer name would cover that of the next panel in the wider font of a reader without Arial.
    header = {
        "title": None, "labelAnchor": "start", "labelFontWeight": "bold", "labelPadding": 6, "labelFontSize": 11,
        "labelLimit": panel["width"],
    }  # fmt: skip
    # Not `sort: [names]`: Vega parses a name such as "if" as part of an expression.
    facet = {"field": "series", "type": "nominal", "sort": {"field": "order", "op": "min"}, "header": header}
    return {"facet": facet, "columns": columns, "spacing": {"row": 26, "column": 16}, "spec": panel}


def pad_labels(labels: Iterable[str]) -> Spec:
    """Return the padding of a chart with labels at its left, sufficient for the wider font of a reader without Arial."""
    widest = max(map(len, labels), default=0) * CHARACTER_PIXELS
    return {"left": PADDING + round(widest * 0.18), "right": PADDING + 10, "top": PADDING, "bottom": PADDING}


def frame(spec: Spec, title: str, description: str, notes: Sequence[str] = ()) -> Chart:
    """Return the chart of a specification with the common style and notes below it."""
    whole: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": PAPER,
        "padding": PADDING,
        **spec,
        "config": {
            **_write_locale(),
            "aria": False,
            "font": FONT,
            "view": {"stroke": None},
            "axis": {
                "labelColor": INK,
                "labelFontSize": 11,
                "labelLimit": 320,
                "gridColor": "#e3e8ec",
                "domainColor": EARLIER,
                "tickColor": EARLIER,
            },
            "text": {"color": INK},
            "header": {"labelColor": INK, "labelLimit": 320},
            "legend": {"labelColor": INK, "labelFontSize": 11, "labelLimit": 320},
        },
    }
    if notes:
        whole["title"] = {
            "text": "  ·  ".join(notes),
            "orient": "bottom",
            "anchor": "start",
            "fontSize": 10.5,
            "fontWeight": "normal",
            "color": INK,
            "offset": 12,
        }
    return Chart(json.dumps(whole, separators=(",", ":")), title, description)


def _write_locale() -> Spec:
    """Return the numbers and dates of axes in the language in use; nothing for English, the default of Vega."""
    language = get_language()
    if language.is_source:
        return {}
    group, decimal = find_separators(language.code)
    names = list_names(language.code)
    number = {"decimal": decimal, "thousands": group, "grouping": [3], "currency": ["", ""], "percent": f"{group}%"}
    time = {"dateTime": "%x %X", "date": "%d/%m/%Y", "time": "%H:%M", "periods": ["", ""], **names}
    return {"locale": {"number": number, "time": time}}


def run_engine(spec: str) -> str:
    """Return the SVG of a specification, drawn in this process. Raises ValueError for an invalid one."""
    svg: str = vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
    return svg


def render_svg(chart: Chart, engine: Engine = run_engine) -> bytes:
    """Return a chart as SVG; equal charts give equal bytes."""
    head, body = _INNER_ROLES.sub("", engine(chart.spec)).split(">", 1)
    title = escape(chart.title)
    words = f' role="img" aria-label="{title}"><title>{title}</title><desc>{escape(chart.description)}</desc>'
    return f"{head}{words}{body}".encode()


def main() -> None:
    """Draw the specification on each line of standard input."""
    for line in sys.stdin:
        try:
            answer = {"svg": run_engine(line)}
        except ValueError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
