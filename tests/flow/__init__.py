"""The whole path, from a file to its copy: by the command line and by the Python functions."""
