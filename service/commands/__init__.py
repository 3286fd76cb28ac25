"""The subcommands of `a4p`, one file each."""
