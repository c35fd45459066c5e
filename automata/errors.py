"""The errors about automata."""


class AutomatonError(ValueError):
    """Something that is not a complete deterministic automaton."""


class SizeLimitError(AutomatonError):
    """An automaton larger than a function can handle."""
