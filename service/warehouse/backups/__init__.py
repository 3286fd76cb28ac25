"""Backups of the warehouse: where one may be written, which are retained, how they are verified and restored."""
