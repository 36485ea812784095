"""The check of finished files."""
