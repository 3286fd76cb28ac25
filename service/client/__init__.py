"""Clients of the service for commands: over the Unix socket while it runs, in this process otherwise."""
