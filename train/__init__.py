"""How the net that finds heads and plates is trained; see README.md. Not part of the package."""
