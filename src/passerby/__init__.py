"""passerby: a camera and footage system in which everyone stays a passer-by."""

__version__ = "0.1.0"
