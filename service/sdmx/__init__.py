"""SDMX: the observations and their structure in the formats of statistical offices (https://sdmx.org)."""
