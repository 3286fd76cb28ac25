"""A notification of Alertmanager, as tests send it and change it."""

from __future__ import annotations

import copy
import json
from typing import Any

from service.application import Application

FIRING: dict[str, Any] = {
    "version": "4",
    "status": "firing",
    "receiver": "a4p",
    "groupKey": "{}",
    "alerts": [
        {
            "status": "firing",
            "labels": {
                "alertname": "A4pHospitalOutageDaysAbove", "metric": "a4p_hospital_outage_days", "mission": "UNMISS",
                "cause": "Equipment", "severity": "warning", "comparison": "above", "instance": "i", "job": "a4p",
            },
            "annotations": {"summary": "It is above its limit", "value": "247", "limit": "30", "period_end": "2024-04-30"},
            "startsAt": "2024-09-10T12:00:00.123Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://p",
            "fingerprint": "3f2a000000000001",
        }
    ],
}  # fmt: skip


def alter(status: str = "firing", **annotations: str) -> dict[str, Any]:
    """Return the notification with another status and changed annotations."""
    changed = copy.deepcopy(FIRING)
    changed["alerts"][0]["status"] = status
    changed["alerts"][0]["annotations"].update(annotations)
    if status == "resolved":
        changed["alerts"][0]["endsAt"] = "2024-09-11T12:00:00Z"
    return changed


def write_alert(**changed: Any) -> bytes:
    """Return a notification of the alert with what is given changed."""
    return json.dumps({**FIRING, "alerts": [{**FIRING["alerts"][0], **changed}]}).encode()


def count_alerts(application: Application) -> int:
    """Return the number of recorded notifications."""
    with application.warehouse.cursor() as cursor:
        return int(cursor.execute("select count(*) from alerts").fetchall()[0][0])
