"""Access: users, roles, tokens, sessions and the audit, in `access.sqlite`."""
