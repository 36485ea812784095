"""The plan, and the painting. The only place where a frame becomes one that may be stored."""
