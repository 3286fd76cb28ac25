"""Scheduled jobs, the watch, and metrics about the service."""
