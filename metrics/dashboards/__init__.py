"""The Grafana dashboards, written from the catalogue; needs grafana-foundation-sdk, which the service itself does not."""

from __future__ import annotations

from collections.abc import Callable

from metrics.catalogue import Catalogue
from metrics.dashboards import (
    accountability,
    data_quality,
    host_country,
    indicator,
    mission,
    overview,
    priority,
    service_health,
)
from metrics.dashboards.labels import Contents
from metrics.dashboards.layout import Page, render_page
from metrics.kpi_file import Kpi

BUILDERS: tuple[Callable[[Contents], Page | None], ...] = (
    overview.build_page,
    priority.build_page,
    mission.build_page,
    indicator.build_page,
    accountability.build_page,
    host_country.build_page,
    data_quality.build_page,
    service_health.build_page,
)


def render_dashboards(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> dict[str, str]:
    """Return the JSON of each dashboard by the name of its file, which is its uid."""
    contents = Contents.make(catalogue, kpis)
    pages = [build(contents) for build in BUILDERS]
    return {f"{page.uid}.json": render_page(page, contents) for page in pages if page}
