"""How fast the service is, side by side with what one would use otherwise: `python -m tests.bench`."""
