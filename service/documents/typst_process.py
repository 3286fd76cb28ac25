"""The process that writes one PDF: the document as JSON on standard input, the file on standard output."""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from pathlib import Path

import typst

TEMPLATE = Path(__file__).parent / "templates" / "cycle.typ"
# Chinese, Japanese kana and emoji; with the fonts of Typst this covers the official languages of the United Nations.
FONTS = Path(__file__).parent / "fonts"
# PDF/UA requires a glyph for every character. Typst names one text without glyph at a time.
MISSING_GLYPH = re.compile(r'the text `"(.+)"` could not be displayed', re.DOTALL)
# DejaVu Sans Mono, a font of Typst, has it.
SUBSTITUTE = "\N{WHITE SQUARE}"
MAX_ATTEMPTS = 40


def main() -> None:
    """Write the document of standard input."""
    request = json.load(sys.stdin.buffer)
    sys.stdout.buffer.write(compile_pdf(json.dumps(request["document"], ensure_ascii=False), request["timestamp"]))


def compile_pdf(document: str, timestamp: int) -> bytes:
    """Return a document, given as JSON, as PDF/UA-1.

    Characters that the fonts of Typst and `fonts/` lack are taken from fonts of the system; those that no font has are drawn
    as a white square. Raises typst.TypstError.
    """
    for attempt in range(MAX_ATTEMPTS):
        try:
            pdf = typst.compile(
                TEMPLATE.read_bytes(),
                format="pdf",
                sys_inputs={"document": document},
                # The same bytes on every machine, unless a character needs another font.
                font_paths=typst.Fonts(include_system_fonts=attempt > 0, font_paths=[FONTS]),
                timestamp=timestamp,
                pdf_standards="ua-1",
            )
        except typst.TypstError as error:
            missing = MISSING_GLYPH.search(str(error))
            if missing is None:
                raise
            if attempt > 0:
                document = substitute(document, missing[1])
        else:
            assert isinstance(pdf, bytes)
            return pdf
    raise ValueError("the document has characters of too many scripts that no font has")


def substitute(document: str, text: str) -> str:
    """Return the document without the characters of the scripts in `text`, which the fonts most likely lack."""
    scripts = {_find_script(character) for character in text} - {""}
    return "".join(SUBSTITUTE if _find_script(character) in scripts else character for character in document)


def _find_script(character: str) -> str:
    """Return the script of a letter, such as CJK, or the block of another character; an empty string for ASCII."""
    if character.isascii() or character == SUBSTITUTE:
        return ""
    if unicodedata.category(character)[0] in "LM":
        return unicodedata.name(character, "").partition(" ")[0] or f"{ord(character) >> 8:x}"
    return f"{ord(character) >> 8:x}"


if __name__ == "__main__":
    main()
