"""The top floor: the command line and the pure build from an inventory to files."""
