"""What people see: pages, and an interface for programs."""
