"""The stack as containers."""
