"""`make pictures`: every kind of page, every page of the PDF and every dashboard as pictures, with one contact sheet.

`PICTURES` is the folder that is written, `pictures` unless given. Dashboards are drawn if `GRAFANA_URL` names a Grafana that
has them, such as that of `docker compose up`; it must allow anonymous access.
"""

from __future__ import annotations

import html
import os
import re
import sys
import tempfile
import urllib.request
from pathlib import Path

import pypdfium2
from playwright.sync_api import Browser, sync_playwright

from service.settings import find_in_tree
from tests.published_report import copy_report
from tests.service_process import ServiceProcess
from tests.stack.test_browser import OPTIONS, PAGES
from tests.tools import find_tool

WIDTHS = (1366, 1920, 390)
SCHEMES = ("light", "dark")
DOCUMENT = "/cycles/5.pdf"
PDF_SCALE = 1.2
THUMBNAIL = 320
SHEET_STYLE = (
    "body{font:14px sans-serif;margin:24px;background:#fff;color:#222}"
    "figure{display:inline-block;vertical-align:top;margin:0 12px 20px 0;width:320px}"
    "img{width:320px;max-height:480px;object-fit:cover;object-position:top;border:1px solid #ccc}"
    "figcaption{overflow-wrap:anywhere}"
)


def main() -> None:
    """Write the pictures and `contact-sheet.html` and `.png`, and print where they are."""
    folder = Path(os.environ.get("PICTURES", "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    made: list[tuple[str, Path]] = []
    with tempfile.TemporaryDirectory() as directory, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_tool("chromium"), args=OPTIONS)
        with ServiceProcess(copy_report(Path(directory) / "data")) as service:
            url = service.wait_until_ready()
            made += draw_pages(browser, url, folder)
            made += draw_document(url, folder)
        if grafana := os.environ.get("GRAFANA_URL"):
            made += draw_dashboards(browser, grafana.rstrip("/"), folder)
        else:
            print("pictures: dashboards are not drawn without GRAFANA_URL", file=sys.stderr)
        write_sheet(browser, folder, made)
        browser.close()
    print(f"pictures: {len(made)} in {folder}, all on {folder / 'contact-sheet.png'}")


def draw_pages(browser: Browser, url: str, folder: Path) -> list[tuple[str, Path]]:
    """Draw each page in each width and colour scheme."""
    made = []
    for scheme in SCHEMES:
        for width in WIDTHS:
            tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            for path in PAGES:
                file = folder / f"{name_file(path)}-{width}-{scheme}.png"
                tab.goto(url + path, wait_until="networkidle")
                tab.screenshot(path=file, full_page=True)
                made.append((f"{path}, {width} px, {scheme}", file))
            tab.close()
            print(f"pictures: {len(PAGES)} pages of {width} px, {scheme}", file=sys.stderr)
    return made


def draw_document(url: str, folder: Path) -> list[tuple[str, Path]]:
    """Draw each page of the document of a cycle."""
    with urllib.request.urlopen(url + DOCUMENT) as answer:
        document = pypdfium2.PdfDocument(answer.read())
    made = []
    for number, page in enumerate(document, 1):
        file = folder / f"{name_file(DOCUMENT)}-{number:02}.png"
        page.render(scale=PDF_SCALE).to_pil().save(file)
        made.append((f"{DOCUMENT}, page {number}", file))
    return made


def draw_dashboards(browser: Browser, grafana: str, folder: Path) -> list[tuple[str, Path]]:
    """Draw each dashboard of a Grafana in both themes."""
    made = []
    for dashboard in sorted(find_in_tree("grafana").glob("dashboards/*.json")):
        for scheme in SCHEMES:
            tab = browser.new_page(viewport={"width": 1600, "height": 2400})
            tab.goto(f"{grafana}/d/{dashboard.stem}?theme={scheme}&kiosk", wait_until="networkidle")
            file = folder / f"{dashboard.stem}-{scheme}.png"
            tab.screenshot(path=file)
            made.append((f"{dashboard.stem}, {scheme}", file))
            tab.close()
    return made


def write_sheet(browser: Browser, folder: Path, made: list[tuple[str, Path]]) -> None:
    """Write all pictures on one page, and that page as a picture."""
    figures = "\n".join(
        f'<figure><a href="{file.name}"><img src="{file.name}" alt=""></a>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        for caption, file in made
    )
    sheet = folder / "contact-sheet.html"
    sheet.write_text(f"<!doctype html><title>Pictures</title><style>{SHEET_STYLE}</style>\n{figures}\n", encoding="utf-8")
    tab = browser.new_page(viewport={"width": 6 * (THUMBNAIL + 14) + 48, "height": 1000})
    tab.goto(sheet.absolute().as_uri(), wait_until="networkidle")
    tab.screenshot(path=folder / "contact-sheet.png", full_page=True)
    tab.close()


def name_file(path: str) -> str:
    """Return the path of a page as the name of a file."""
    return re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-") or "overview"


if __name__ == "__main__":
    main()
