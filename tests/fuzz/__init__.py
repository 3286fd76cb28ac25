"""Generated input: files to load, bodies of requests and definitions, most of them wrong in some way."""
