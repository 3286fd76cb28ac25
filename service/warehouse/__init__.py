"""The warehouse: its file, schema, definitions and backups."""
