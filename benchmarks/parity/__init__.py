"""Recipes that record what other libraries' public functions return, for `tests/parity`.

They run in an environment of their own; nothing of those libraries is needed to run the tests.
"""
