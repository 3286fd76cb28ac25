"""Untrusted SQL in isolated processes that can only read one copy of the warehouse."""
