"""What the service can say: catalogue, KPI definitions, and their text forms; reads nothing but definitions."""
