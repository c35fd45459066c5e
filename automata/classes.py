"""The names of the classes of automata, and the largest sizes at which they are decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

from automata.arguments import shown
from automata.errors import SizeLimitError

MAX_STATES = 64
MAX_STATES_SUBSETS = 20  # 2^20 sets fit into memory, 20! into 64 bits

# in the order of the bits of flags, as in `automata.kernels.properties`
CLASSES: tuple[str, ...] = (
    "synchronizing",
    "strongly-connected",
    "initially-connected",
    "sink",
    "permutation-letter",
    "defect-2",
    "one-cluster",
    "eulerian",
    "aperiodic",
    "completely-reachable",
    "irreducible",
    "basic",
)
"""The classes of automata by name; `automata.properties` defines each."""
CYCLE = "cycle-"
"""cycle-L is a class for each L: some letter has one cycle, which has L states."""
_LENGTHS = frozenset(map(str, range(1, MAX_STATES + 1)))
ON_SUBSETS = ("aperiodic", "completely-reachable")
"""Classes that are decided for at most `MAX_STATES_SUBSETS` states."""


_IMPLIED: dict[str, tuple[str, ...]] = {
    "strongly-connected": ("initially-connected", "not-sink"),
    "eulerian": ("strongly-connected",),
    "completely-reachable": ("strongly-connected", "synchronizing", "not-defect-2"),
    "irreducible": ("synchronizing",),
    "defect-2": ("not-permutation-letter",),
}
"""What else is true of the automata of a class with two states or more, complete or partial."""

Predicate = Callable[[Any], Any]
"""A class of your own: a function of automata, an array of states (batch, k, n), that returns bool
(batch,). It must not depend on the names of states and letters."""


def check_classes(classes: Sequence[str | Predicate], n: int | None = None) -> None:
    """Check names of classes; functions are not called.

    Parameters
    ----------
    classes : sequence of str or callable
        Each one of `CLASSES`, or "not-" and one of them, or a `Predicate`.
    n : int, optional
        Number of states; each class must be decided at this size.

    Raises
    ------
    ValueError
        If a name is unknown, or `classes` is one text.
    SizeLimitError
        If one of the classes is not decided for n states.

    Examples
    --------
    >>> check_classes(["sink", "not-aperiodic"], 20)
    """
    if isinstance(classes, str):
        raise ValueError(f"classes={classes!r} is one text, not a sequence of names")
    named = [name for name in classes if not callable(name)]
    for name in named:
        own = name.removeprefix("not-") if isinstance(name, str) else ""
        if own not in CLASSES and cycle_length(own) is None:
            known = ", ".join(CLASSES)
            raise ValueError(
                f"unknown class {shown(name)}: one of {known}, cycle-L with L in "
                f"1..{MAX_STATES}, each also as not-NAME"
            )
    if n is not None:
        required, forbidden = split_classes(named)
        check_decided([*required, *forbidden], n)


def check_restriction(classes: Sequence[str | Predicate], n: int | None = None) -> None:
    """Check the classes that a run is restricted to: as `check_classes`, and that some are left.

    Parameters
    ----------
    classes : sequence of str or callable
    n : int, optional
        Number of states. An automaton of one state is in classes that exclude each other otherwise.

    Raises
    ------
    ValueError
        As `check_classes`, or if two classes exclude each other.

    Examples
    --------
    >>> check_restriction(["sink", "not-eulerian"], 9)
    """
    check_classes(classes, n)
    named = [name for name in classes if not callable(name)]
    for one, other in combinations(named, 2):
        if any(_negated(fact) in _facts(other, n) for fact in _facts(one, n)):
            raise ValueError(f"the classes {one} and {other} exclude each other")


def _facts(name: str, n: int | None) -> set[str]:
    """Return what is true of all automata of a class."""
    facts = {name}
    if n != 1:
        for implied in _IMPLIED.get(name, ()):
            facts |= _facts(implied, n)
        if (cycle_length(name) or 0) > 1 and not name.startswith("not-"):
            facts.add("not-aperiodic")
    return facts


def _negated(name: str) -> str:
    return name.removeprefix("not-") if name.startswith("not-") else f"not-{name}"


def cycle_length(name: str) -> int | None:
    """Return the L of the class cycle-L, or not-cycle-L; None if the name is another one.

    Examples
    --------
    >>> cycle_length("cycle-5"), cycle_length("not-cycle-12"), cycle_length("sink")
    (5, 12, None)
    """
    digits = name.removeprefix("not-").removeprefix(CYCLE)
    if not name.removeprefix("not-").startswith(CYCLE) or digits not in _LENGTHS:
        return None
    return int(digits)


def split_classes(classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split names of classes into the required and the forbidden ones, these without "not-".

    Examples
    --------
    >>> split_classes(["sink", "not-aperiodic"])
    (['sink'], ['aperiodic'])
    """
    required = [name for name in classes if not name.startswith("not-")]
    return required, [name.removeprefix("not-") for name in classes if name.startswith("not-")]


def check_decided(classes: Sequence[str], n: int) -> None:
    """Raise `SizeLimitError` if one of these classes is not decided for n states."""
    on_subsets = [name for name in classes if name in ON_SUBSETS]
    limit = MAX_STATES_SUBSETS if on_subsets else MAX_STATES
    if n > limit:
        subject = " and ".join(on_subsets) or "classes"
        raise SizeLimitError(f"n={n} is over the limit of {limit} states for {subject}")
