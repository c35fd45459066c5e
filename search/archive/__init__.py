"""The archive (SQLite) of the best automata that any run ever verified, and its series."""
