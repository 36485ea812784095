"""Detections in, tracks through time out. A tracker only adds."""
