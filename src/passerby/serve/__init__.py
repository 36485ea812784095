"""Many cameras at once: a process for each, and who looks after them."""
