"""What the service does: opens files, clocks and sockets."""
