"""Content negotiation of SDMX: media types with a version, such as application/vnd.sdmx.data+csv;version=2.1.0."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import request
from werkzeug.http import parse_options_header

from service.web.problems import Refused


@dataclass(frozen=True)
class MediaType:
    """A format that can be requested by its SDMX media type, or by a general one."""

    name: str
    version: str
    general: str | None = None

    def __str__(self) -> str:
        return f"{self.name};version={self.version}"


CSV_20 = MediaType("application/vnd.sdmx.data+csv", "2.0.0", "text/csv")
CSV_21 = MediaType("application/vnd.sdmx.data+csv", "2.1.0")
DATA_JSON = MediaType("application/vnd.sdmx.data+json", "2.0.0", "application/json")
STRUCTURE_JSON = MediaType("application/vnd.sdmx.structure+json", "2.0.0", "application/json")
STRUCTURE_XML = MediaType("application/vnd.sdmx.structure+xml", "3.0.0", "application/xml")
DATA_TYPES = (DATA_JSON, CSV_20, CSV_21)
STRUCTURE_TYPES = (STRUCTURE_JSON, STRUCTURE_XML)
# Values of further parameters of SDMX-CSV that the service supports: those that are the default.
DEFAULTS = {"labels": "id", "timeFormat": "original", "keys": "none"}


def choose_media_type(offered: tuple[MediaType, ...]) -> MediaType:
    """Return the offered media type that Accept prefers; the first without Accept. Raises Refused (406)."""
    accepted = [value for value, quality in request.accept_mimetypes if quality > 0] or ["*/*"]
    for value in accepted:
        name, parameters = parse_options_header(value)
        for candidate in offered:
            if _matches(candidate, name.lower(), parameters):
                return candidate
    raise Refused(406, f"No accepted media type. Available: {', '.join(map(str, offered))}.")


def _matches(candidate: MediaType, name: str, parameters: dict[str, str]) -> bool:
    if name in ("*/*", "application/*"):
        return True
    if name == candidate.general:
        return True
    if name != candidate.name:
        return False
    version = parameters.get("version", candidate.version)
    return version in (candidate.version, candidate.version.removesuffix(".0")) and _are_defaults(parameters.items())


def _are_defaults(parameters: Iterable[tuple[str, str]]) -> bool:
    known = {name.lower(): value for name, value in DEFAULTS.items()}
    return all(value == known.get(name.lower(), value) for name, value in parameters)
