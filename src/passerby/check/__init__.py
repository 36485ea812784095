"""The finished file, read back before it gets its name."""
