"""Exporters for what nothing else exposes, and tables of the engines that expose their own."""
