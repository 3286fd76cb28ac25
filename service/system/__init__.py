"""The operating system: files, disk, memory, time, privileges."""
