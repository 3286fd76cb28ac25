"""Events of feeds: loading exports and reporting what they change."""
