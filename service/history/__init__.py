"""The history of all series: remote read and OpenMetrics."""
