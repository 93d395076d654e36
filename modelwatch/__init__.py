"""modelwatch: one model inventory in, everything that watches the models out."""

__version__ = "0.1.0"
