"""Definitions of the service: catalogue, KPIs, metric families, and their text formats."""
