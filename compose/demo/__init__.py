"""The demo: a simulated fleet, incidents on it, and who is told."""
