"""What all SDMX messages have in common: their id, time and sender."""

from __future__ import annotations

from datetime import UTC, datetime

from service.sdmx.structure import AGENCY


def make_id(prepared: datetime) -> str:
    """Return the id of a message."""
    return f"A4P-{prepared.astimezone(UTC):%Y%m%dT%H%M%S%fZ}"


def write_prepared(prepared: datetime) -> str:
    """Return the time of a message in RFC 3339 format, in UTC."""
    return f"{prepared.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def make_meta(schema: str, prepared: datetime) -> dict[str, object]:
    """Return the member `meta` of an SDMX-JSON message."""
    return {
        "schema": schema,
        "id": make_id(prepared),
        "prepared": write_prepared(prepared),
        "contentLanguages": ["en"],
        "sender": {"id": AGENCY},
    }
