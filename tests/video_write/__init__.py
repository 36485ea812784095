"""Videos written, and read back."""
