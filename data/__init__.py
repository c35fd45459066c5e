"""Labelled automata on disk: generating, writing, verifying and reading datasets."""
