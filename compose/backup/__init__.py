"""Backup and restore of the stack, however it runs."""
