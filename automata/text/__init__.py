"""Automata and words as text: ours, other tools' formats, networkx graphs, whole streams."""
