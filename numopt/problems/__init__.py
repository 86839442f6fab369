"""Test problems and data sets, shared by tests, benchmarks, notebooks and ``python -m numopt``."""
