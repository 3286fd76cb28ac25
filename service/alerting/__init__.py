"""Thresholds and alerts."""
