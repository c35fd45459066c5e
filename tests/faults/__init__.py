"""Faults by the thousand, and what the commands make of them: `python -m tests.faults --help`."""
