"""The path of a frame: read, detect, track, redact, write, check.

`video.py`, `photo.py` and `stream.py` show it, one mode each; `files.py` chooses between the first two.
"""
