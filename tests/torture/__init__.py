"""Kill, pause and damage the service at random moments, and check that no acknowledged load is lost.

`python -m tests.torture` runs it; tests/test_torture.py runs a small part of it.
"""
