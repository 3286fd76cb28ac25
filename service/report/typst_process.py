"""The process that sets one PDF: the document as JSON on standard input, the file on standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import typst


def main() -> None:
    """Set the document of standard input."""
    question = json.load(sys.stdin.buffer)
    pdf = typst.compile(
        (Path(__file__).parent / "templates" / "cycle.typ").read_bytes(),
        format="pdf",
        sys_inputs={"document": json.dumps(question["document"])},
        ignore_system_fonts=True,
        timestamp=question["timestamp"],
        pdf_standards="ua-1",
    )
    assert isinstance(pdf, bytes)
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    main()
