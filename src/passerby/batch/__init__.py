"""Many files in one go: what goes where, what is finished already, and who does the work."""
