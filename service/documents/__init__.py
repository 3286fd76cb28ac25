"""Documents of a reporting cycle: its figures, read from a read copy, and the formats HTML, PDF and XLSX."""
