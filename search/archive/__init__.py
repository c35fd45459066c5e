"""The archive: an SQLite file of the best automata of all runs, each verified; and its series."""
