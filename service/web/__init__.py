"""The HTTP interface, one module per kind of client."""
