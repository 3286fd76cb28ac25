"""The lake: a warehouse in PostgreSQL and object storage (DuckLake) that several replicas of the service share."""
