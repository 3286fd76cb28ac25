"""Backups of the warehouse: allowed targets, retention, verification and restore."""
