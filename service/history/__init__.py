"""The history of every series: remote read and OpenMetrics."""
