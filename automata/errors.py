"""Errors about automata."""


class AutomatonError(ValueError):
    """The input describes no complete deterministic automaton, or no word."""


class SizeLimitError(AutomatonError):
    """The automaton has more states or letters than the function accepts."""
