"""Photos and videos in: what is in a file, and its frames."""
