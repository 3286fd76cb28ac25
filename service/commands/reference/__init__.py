"""Generated reference pages of settings and commands."""
