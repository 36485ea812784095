"""The commands for cameras."""
