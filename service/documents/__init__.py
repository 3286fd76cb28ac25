"""A reporting cycle as a document: its figures, read from the warehouse, and the formats they are written in."""
