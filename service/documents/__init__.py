"""Documents of a reporting cycle: its observations, read from a read copy, and the formats HTML, PDF and XLSX."""
