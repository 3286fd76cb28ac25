"""Scheduled jobs, periodic checks, and metrics about the service."""
