"""Snapshots, the read copy and its publication."""
