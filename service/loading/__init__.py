"""Loading: files are read, checked, previewed and appended."""
