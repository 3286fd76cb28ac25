"""The Grafana dashboards, written from the catalogue; needs grafana-foundation-sdk, which the service itself does not."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules

from metrics.catalogue import Catalogue
from metrics.dashboards.labels import Contents
from metrics.dashboards.layout import Page, render_page
from metrics.kpi_file import Kpi


def list_builders() -> list[Callable[[Contents], Page | None]]:
    """Return the function `build_page` of each module of this package that has one."""
    modules = [import_module(f"{__name__}.{found.name}") for found in iter_modules(__path__)]
    return [module.build_page for module in modules if hasattr(module, "build_page")]


def render_dashboards(catalogue: Catalogue, kpis: tuple[Kpi, ...]) -> dict[str, str]:
    """Return the JSON of each dashboard by the name of its file, which is its uid."""
    contents = Contents.make(catalogue, kpis)
    pages = [build(contents) for build in list_builders()]
    return {f"{page.uid}.json": render_page(page, contents) for page in pages if page}
