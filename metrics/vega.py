"""Vega-Lite as charts.py needs it: layers of one table, panels, and the look of the house, rendered by vl-convert."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import vl_convert

FIGURE, DOUBTFUL, EARLIER, LIMIT, NONE, INK, PAPER = "#1f6aa5", "#cfe2f1", "#66737f", "#c2410c", "#eceff2", "#1b2733", "#ffffff"
# vl-convert measures text by Liberation Sans, which it brings and which has the widths of Arial.
FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
CHARACTER_PIXELS = 6.2
VEGA_LITE = "6.4"
Spec = dict[str, Any]

DASH_WHERE_DOUBTFUL = {"condition": {"test": "datum.doubtful", "value": [4, 2]}, "value": [1, 0]}


def doubt() -> Spec:
    """Return the channels of a mark whose figure may be estimated or provisional."""
    # The light fill alone would be lost in a copy; the outline is dashed too.
    return {
        "color": {"condition": {"test": "datum.doubtful", "value": DOUBTFUL}, "value": FIGURE},
        "stroke": {"value": FIGURE},
        "strokeDash": DASH_WHERE_DOUBTFUL,
    }


def layer(kind: str, mark: Spec, **encoding: Any) -> Spec:
    """Return the layer that draws the rows of one kind."""
    return {"transform": [{"filter": f"datum.kind === '{kind}'"}], "mark": mark, "encoding": encoding}


def text_layer(kind: str, x: Spec, y: Spec, color: Spec | None = None, **mark: Any) -> Spec:
    """Return the layer that writes the column `text` of the rows of one kind."""
    encoding = {"x": x, "y": y, "text": {"field": "text"}, **({"color": color} if color else {})}
    return layer(kind, {"type": "text", "fontSize": 11, **mark}, **encoding)


def arrange(panel: Spec, names: list[str], columns: int) -> Spec:
    """Return one panel, or the panels of several series in the order given."""
    if len(names) == 1:
        return panel
    header = {"title": None, "labelAnchor": "start", "labelFontWeight": "bold", "labelPadding": 6, "labelFontSize": 11}
    facet = {"field": "series", "type": "nominal", "sort": names, "header": header}
    return {"facet": facet, "columns": columns, "spacing": {"row": 26, "column": 16}, "spec": panel}


def render(spec: Spec, title: str, description: str, notes: Sequence[str] = ()) -> bytes:
    """Return the chart as SVG; title and description are for those who do not see it, the notes stand below it."""
    whole: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": PAPER,
        "padding": 4,
        **spec,
        "config": {
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
    svg: str = vl_convert.vegalite_to_svg(whole, vl_version="6.4", allowed_base_urls=[])
    head, body = svg.split(">", 1)
    words = f' role="img" aria-label="{escape(title)}"><title>{escape(title)}</title><desc>{escape(description)}</desc>'
    return f"{head}{words}{body}".encode()
