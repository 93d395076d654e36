"""Benchmarks: what generating, evaluating and reading the rules costs. Run `make bench`."""
