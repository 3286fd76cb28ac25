"""The Grafana dashboards, written from the catalogue; needs grafana-foundation-sdk, which the service itself does not."""

from __future__ import annotations

from metrics.catalogue import Catalogue
from metrics.dashboards import indicator, mission, overview, priority
from metrics.dashboards.frame import render_page
from metrics.dashboards.words import Vocabulary
from metrics.kpi_file import Kpi

BUILDERS = (overview.build_page, priority.build_page, mission.build_page, indicator.build_page)


def render_dashboards(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> dict[str, str]:
    """Return the JSON of each dashboard by the name of its file, which is its uid."""
    words = Vocabulary.make(catalogue, kpis)
    pages = [build(words) for build in BUILDERS]
    return {f"{page.uid}.json": render_page(page, words) for page in pages}
