"""What answers over HTTP, one module per kind of caller."""
