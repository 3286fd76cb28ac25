"""The uids of the dashboards; they are part of bookmarked addresses and never change."""

from __future__ import annotations

OVERVIEW = "a4p-overview"
PRIORITY = "a4p-priority"
MISSION = "a4p-mission"
INDICATOR = "a4p-indicator"
ACCOUNTABILITY = "a4p-accountability"
HOST_COUNTRY = "a4p-host-country"
DATA_QUALITY = "a4p-data-quality"
SERVICE = "a4p-service"
ROUNDS = "a4p-rounds"
SAFETY = "a4p-safety"
