"""The map of missions and the small charts of key indicators as SVG files, without styles that a page would have to allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from metrics.codes import write_code
from metrics.languages import gettext, ngettext
from metrics.mission_map import Mark, MissionMap
from metrics.sparkline import HEIGHT, WIDTH, Bar, Line
from metrics.vega import EARLIER, FINAL, FONT, INK, PAPER, PROVISIONAL

LAND = "#e3e7ea"
# Shape and colour of a symbol, so that it is recognized without colours. The texts use the same shapes.
SEVERITY_COLORS = {"critical": "#a61b1b", "warning": "#b45309", "info": "#1f6aa5"}
SEVERITY_SYMBOLS = {"critical": "\N{BLACK DIAMOND}", "warning": "\N{BLACK UP-POINTING TRIANGLE}", "info": "\N{BLACK SQUARE}"}
NO_BREACH_SYMBOL = "\N{WHITE CIRCLE}"


def write_map(drawn: MissionMap, states: Mapping[str, tuple[str, int]]) -> str:
    """Return the map; `states` has the most severe breach of each mission and the number of its breaches."""
    parts = [f'<path d="{drawn.land}" fill="{LAND}" fill-rule="evenodd"/>']
    for mark in drawn.marks:
        x, y = mark.place
        if mark.has_leader:
            parts.append(
                f'<path d="M{x:.1f} {y:.1f}L{mark.symbol[0]:.1f} {mark.symbol[1]:.1f}" stroke="{EARLIER}" fill="none"/>'
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{EARLIER}"/>'
            )
        parts.append(_write_symbol(mark, states.get(mark.mission, ("", 0))[0]))
        parts.append(
            f'<text x="{mark.label[0]:.1f}" y="{mark.label[1] + 0.35 * drawn.font_size:.1f}" font-size="{drawn.font_size}" '
            f'font-family="{FONT}" text-anchor="{mark.anchor}" fill="{INK}">{escape(mark.mission)}</text>'
        )
    return _wrap(drawn.width, drawn.height, gettext("Map of missions"), describe_map(drawn.marks, states), parts)


def describe_map(marks: Iterable[Mark], states: Mapping[str, tuple[str, int]]) -> str:
    """Return the map in words: each mission with its breaches."""
    described = []
    for mark in marks:
        severity, count = states.get(mark.mission, ("", 0))
        breaches = gettext("no breach")
        if count:
            breaches = ngettext(
                "%(num)s breach, most severe: %(severity)s",
                "%(num)s breaches, most severe: %(severity)s",
                count,
                severity=write_code(severity),
            )
        described.append(f"{mark.mission}: {breaches}")
    return "; ".join(described) + "."


def write_line(line: Line, title: str, description: str) -> str:
    """Return the small chart of values over time."""
    x, y = line.points[-1]
    parts = [
        f'<path d="M5 {line.base:g}H{WIDTH - 5}" stroke="#c6cdd3"/>',
        f'<polyline points="{line.path}" fill="none" stroke="{FINAL}" stroke-width="2.5" stroke-linejoin="round"/>',
        f'<circle cx="{x:g}" cy="{y:g}" r="4" fill="{FINAL}"/>',
    ]
    return _wrap(WIDTH, HEIGHT, title, description, parts)


def write_bars(bars: Iterable[Bar], chosen: Iterable[str], title: str, description: str) -> str:
    """Return the small chart of values by mission; those of `chosen` missions are darker."""
    marked = set(chosen)
    parts = [
        f'<rect x="{bar.x:g}" y="{bar.y:g}" width="{bar.width:g}" height="{bar.height:g}" '
        f'fill="{FINAL if bar.mission in marked else PROVISIONAL}"/>'
        for bar in bars
    ]
    return _wrap(WIDTH, HEIGHT, title, description, parts)


def write_share(share: float, title: str, description: str) -> str:
    """Return the small chart of a share of a whole, from 0 to 1."""
    width = WIDTH - 10
    parts = [
        f'<rect x="5" y="18" width="{width}" height="20" fill="{PROVISIONAL}"/>',
        f'<rect x="5" y="18" width="{share * width:.1f}" height="20" fill="{FINAL}"/>',
    ]
    return _wrap(WIDTH, HEIGHT, title, description, parts)


def _write_symbol(mark: Mark, severity: str) -> str:
    x, y = mark.symbol
    color = SEVERITY_COLORS.get(severity, "")
    if severity == "critical":
        return f'<path d="M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z" fill="{color}"/>'
    if severity == "warning":
        return f'<path d="M{x:.1f} {y - 7.5:.1f}l7.5 13h-15z" fill="{color}"/>'
    if severity == "info":
        return f'<rect x="{x - 5.5:.1f}" y="{y - 5.5:.1f}" width="11" height="11" fill="{color}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{PAPER}" stroke="{EARLIER}" stroke-width="2"/>'


def _wrap(width: int, height: int, title: str, description: str, parts: Iterable[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title><desc>{escape(description)}</desc>{"".join(parts)}</svg>'
    )
