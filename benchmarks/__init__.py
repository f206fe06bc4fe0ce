"""Benchmarks against other packages: ``python -m benchmarks``; see README.md."""
