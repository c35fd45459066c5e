"""The names of the classes of automata, and up to which sizes they are decided."""

from __future__ import annotations

from collections.abc import Sequence

from automata.errors import SizeLimitError

MAX_STATES = 64
MAX_STATES_SUBSETS = 20  # 6 MB of sets and 20! automorphisms still fit

# the order of the bits of flags: that of the constants of the kernel
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
"""The classes of automata by name; `automata.properties` says what each of them is."""
ON_SUBSETS = ("aperiodic", "completely-reachable")
"""Classes that are not decided for more than `MAX_STATES_SUBSETS` states."""


def check_classes(classes: Sequence[str], n: int | None = None) -> None:
    """Check names of classes.

    Parameters
    ----------
    classes : sequence of str
        Each one of `CLASSES`, or "not-" and one of them.
    n : int, optional
        The number of states for which they are to be decided.

    Raises
    ------
    ValueError
        If there is no such class.
    SizeLimitError
        If one of them is not decided for n states.

    Examples
    --------
    >>> check_classes(["sink", "not-aperiodic"], 20)
    """
    for name in classes:
        if name.removeprefix("not-") not in CLASSES:
            known = ", ".join(CLASSES)
            raise ValueError(f"unknown class {name!r}: one of {known}, each also as not-NAME")
    if n is not None:
        required, forbidden = split_classes(classes)
        check_decided([*required, *forbidden], n)


def split_classes(classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of classes that are asked for, and of those that are forbidden.

    Examples
    --------
    >>> split_classes(["sink", "not-aperiodic"])
    (['sink'], ['aperiodic'])
    """
    required = [name for name in classes if name in CLASSES]
    return required, [name.removeprefix("not-") for name in classes if name not in CLASSES]


def check_decided(classes: Sequence[str], n: int) -> None:
    """Raise `SizeLimitError` where some of these classes are not decided for n states."""
    on_subsets = [name for name in classes if name in ON_SUBSETS]
    limit = MAX_STATES_SUBSETS if on_subsets else MAX_STATES
    if n > limit:
        what = " and ".join(on_subsets) or "classes"
        raise SizeLimitError(f"n={n} is over the limit of {limit} states for {what}")
