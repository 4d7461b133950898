"""Charts: release tables in, :class:`Figure` out. Pure functions; nothing here reads a file."""
