"""The archive: recordings and their catalogue."""
