"""Looking: pictures in, detections out."""
