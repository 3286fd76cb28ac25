"""LibreOffice as a user of a template: opens it, types into cells, and saves it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from tests.tools import find_tool

# A text typed into a cell is read as the user interface reads it: as a number, a percentage or a formula.
_MACRO = """Sub Edit(source As String, target As String)
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden"
  hidden(0).Value = True
  Dim form(0) As New com.sun.star.beans.PropertyValue
  form(0).Name = "FilterName"
  form(0).Value = "Calc MS Excel 2007 XML"
  Dim book, sheet
  book = StarDesktop.loadComponentFromURL(source, "_blank", 0, hidden())
{edits}
  book.storeToURL(target, form())
  book.close(True)
End Sub
"""
_MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
{code}</script:module>
"""
SECONDS = 60


def type_text(sheet: str, cell: str, text: str) -> str:
    """Return the edit that types a text into a cell."""
    return f'book.Sheets.getByName("{sheet}").getCellRangeByName("{cell}").FormulaLocal = "{text}"'


def delete_row(sheet: str, row: int) -> str:
    """Return the edit that removes the protection of a sheet and deletes a row."""
    return f'sheet = book.Sheets.getByName("{sheet}")\n  sheet.unprotect("")\n  sheet.Rows.removeByIndex({row - 1}, 1)'


def edit_workbook(source: Path, target: Path, edits: Sequence[str], folder: Path) -> None:
    """Open a workbook in LibreOffice, do the edits and save it as .xlsx. `folder` is for its settings."""
    profile = folder / "profile"
    start = [find_tool("soffice"), f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
    environment = {**os.environ, "HOME": str(folder)}
    # The first start writes a profile with an empty module.
    subprocess.run([*start, "--terminate_after_init"], capture_output=True, timeout=SECONDS, env=environment, check=True)
    code = _MACRO.format(edits="\n".join(f"  {edit}" for edit in edits))
    (profile / "user" / "basic" / "Standard" / "Module1.xba").write_text(_MODULE.format(code=escape(code)))
    macro = f'macro:///Standard.Module1.Edit("{source.as_uri()}","{target.as_uri()}")'
    done = subprocess.run([*start, macro], capture_output=True, text=True, timeout=SECONDS, env=environment)
    assert target.exists(), (done.returncode, done.stdout, done.stderr)
