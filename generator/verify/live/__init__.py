"""What can only be asked of a running Prometheus: one file, one question.

Each file has a constant `CHECK`, a function from a `LiveContext` to a `Verification`.
"""
