"""One file is one protocol that probes speak; each has the constant `API`."""
