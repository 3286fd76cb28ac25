"""Queries of users and the sandbox that runs them."""
