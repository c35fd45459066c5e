"""Classes of automata, decided by their definitions in compiled code, in batches.

Those of partial automata go by defined transitions and careful words, as each function says.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from automata.automaton import Automaton
from automata.classes import CLASSES, Predicate, check_classes, cycle_length, split_classes
from automata.deltas import Deltas, validate_deltas
from automata.flags import bits, flags_of_valid
from automata.invariants import cycle_lengths


def class_flags(
    deltas: npt.ArrayLike | Sequence[Automaton],
    *,
    synchronizing: npt.NDArray[np.bool_] | None = None,
    workers: int = 1,
) -> npt.NDArray[np.uint16]:
    """Return the classes of each automaton as flags: bit i stands for ``CLASSES[i]``.

    The function of its name defines each class; "defect-2" means that every letter has defect at
    least two. Work that classes share is done once, and cheap criteria come before searches: a
    random binary automaton of 8 states takes about 0.8 us.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 20; partial automata too. If a batch has any, "synchronizing" and "irreducible" are
        searches for careful words: as long as `automata.solver.careful.careful_thresholds`.
    synchronizing : bool array, shape (batch,), optional
        Whether each automaton synchronizes, if known; it saves half of the work.
    workers : int
        Threads.

    Returns
    -------
    uint16 array, shape (batch,)

    Raises
    ------
    AutomatonError
        If `deltas` are not complete automata.
    SizeLimitError
        If n > 20.
    ValueError
        If `synchronizing` has another shape or dtype, or `workers` is less than 1.

    Examples
    --------
    >>> flags = class_flags([[[1, 2, 0], [0, 1, 0]]])[0]
    >>> [name for i, name in enumerate(CLASSES) if not flags >> i & 1]
    ['sink', 'defect-2', 'eulerian', 'aperiodic']
    """
    valid = validate_deltas(deltas, partial=True)
    return flags_of_valid(valid, CLASSES, workers, synchronizing=synchronizing)


def in_classes(
    deltas: npt.ArrayLike | Sequence[Automaton],
    classes: Sequence[str | Predicate],
    *,
    workers: int = 1,
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether it is in all of the given classes.

    Cheap classes are decided first, and the first that does not fit decides the automaton.
    Functions come last; they are called with the automata that all named classes hold.

    "synchronizing" means for partial automata that there is a careful word.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 64; n <= 20 if one of the classes is "aperiodic" or "completely-reachable". Partial
        automata too.
    classes : sequence of str or callable
        Each one of `CLASSES`, or "not-" and one of them: not in this class; or a function of
        automata (batch, k, n) that returns bool (batch,), a class of your own.
    workers : int
        Threads.

    Returns
    -------
    bool array, shape (batch,)

    Raises
    ------
    ValueError
        If a class is unknown, a function returns something else, or `workers` is less than 1.
    AutomatonError, SizeLimitError
        If `deltas` are not automata, or too large.

    Examples
    --------
    >>> deltas = [[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [1, 2, 0]]]
    >>> in_classes(deltas, ["permutation-letter", "not-synchronizing"]).tolist()
    [False, True]
    >>> in_classes(deltas, [lambda many: many[:, 0, 0] == 2]).tolist()
    [False, False]
    >>> in_classes(["1 -|0 0", "1 -|- 0"], ["synchronizing"]).tolist()
    [True, False]
    """
    check_classes(classes)
    functions = [own for own in classes if callable(own)]
    named = [own for own in classes if not callable(own)]
    lengths = {name: length for name in named if (length := cycle_length(name)) is not None}
    required, forbidden = split_classes([own for own in named if own not in lengths])
    valid = validate_deltas(deltas, partial=True)
    flags = flags_of_valid(valid, [*required, *forbidden], workers, required)
    has_all = (flags & bits(required)) == bits(required)
    result: npt.NDArray[np.bool_] = has_all & ((flags & bits(forbidden)) == 0)
    for name, length in lengths.items():
        rows = np.flatnonzero(result)
        has_cycle = np.any(cycle_lengths(valid[rows], workers=workers) == length, axis=1)
        result[rows] = has_cycle != name.startswith("not-")
    for own in functions:
        rows = np.flatnonzero(result)
        if len(rows):
            result[rows] = _decide(own, valid[rows])
    return result


def _decide(own: Predicate, deltas: Deltas) -> npt.NDArray[np.bool_]:
    """Return what a function says of automata (batch, k, n): bool (batch,)."""
    found = np.asarray(own(deltas))
    if found.dtype != np.bool_ or found.shape != (len(deltas),):
        name = getattr(own, "__name__", repr(own))
        raise ValueError(
            f"{name} returns {found.dtype} of shape {found.shape}, not bool ({len(deltas)},)"
        )
    return found


def are_strongly_connected(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether every state can be reached from every other.

    In partial automata along defined transitions.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        n <= 64; complete or partial.
    workers : int
        Threads.

    Returns
    -------
    bool array, shape (batch,)

    Raises
    ------
    AutomatonError, SizeLimitError
        If `deltas` are not automata, or n > 64.

    Examples
    --------
    >>> are_strongly_connected([[[1, 2, 0], [0, 1, 0]], [[0, 0, 1], [0, 1, 1]]]).tolist()
    [True, False]
    >>> are_strongly_connected(["1 -|- 0", "1 -|- 1"]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["strongly-connected"], workers=workers)


def are_initially_connected(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether all states can be reached from some state.

    In partial automata along defined transitions. Parameters, returns and raises as
    `are_strongly_connected`.

    Examples
    --------
    >>> are_initially_connected([[[0, 0, 1], [0, 1, 1]], [[0, 0, 0], [0, 0, 0]]]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["initially-connected"], workers=workers)


def have_sink(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether some state, a sink or zero, is fixed by every letter.

    With a sink n (n - 1) / 2 letters suffice to synchronize (Rystsov 1997, Theor. Comput. Sci.
    172). In a partial automaton every letter that is defined on a sink fixes it: no transition
    leaves it. Parameters, returns and raises as `are_strongly_connected`.

    Examples
    --------
    >>> have_sink([[[0, 0, 1], [0, 1, 1]], [[1, 0, 0], [0, 0, 0]]]).tolist()
    [True, False]
    >>> have_sink(["0 0|- 0", "1 0|0 -"]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["sink"], workers=workers)


def have_permutation_letter(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether some letter is a permutation, the identity included.

    It is one of all states: a letter that is undefined somewhere is none. Parameters, returns and
    raises as `are_strongly_connected`.

    Examples
    --------
    >>> have_permutation_letter([[[1, 2, 0], [0, 1, 0]], [[0, 0, 1], [0, 1, 1]]]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["permutation-letter"], workers=workers)


def are_one_cluster(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether the graph of some letter has exactly one cycle.

    A loop is a cycle (Béal, Berlinkov and Perrin 2011, Int. J. Found. Comput. Sci. 22). The letter
    leads all states into this cycle, so in a partial automaton it is one that is defined
    everywhere. Parameters, returns and raises as `are_strongly_connected`.

    Examples
    --------
    >>> are_one_cluster([[[1, 2, 0], [0, 1, 0]], [[0, 1, 1], [0, 2, 1]]]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["one-cluster"], workers=workers)


def are_eulerian(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return whether each automaton is strongly connected, with k transitions into each state.

    (Kari 2003, Theor. Comput. Sci. 295.) In a partial automaton as many transitions enter each
    state as leave it: the graph is Eulerian. Kari's bound is one of complete automata. Parameters,
    returns and raises as `are_strongly_connected`.

    Examples
    --------
    >>> are_eulerian([[[1, 2, 0], [1, 2, 0]], [[1, 2, 0], [0, 1, 0]]]).tolist()
    [True, False]
    >>> are_eulerian(["1 -|- 0", "1 0|- 0"]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["eulerian"], workers=workers)


def are_aperiodic(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether its transition monoid has only trivial subgroups.

    That is, a word that permutes a set of states fixes each of them (Schützenberger 1965, Inform.
    and Control 8). The words of partial automata act as partial maps, some as the empty one. The
    strongly connected ones have reset words of n (n - 1) / 2 letters (Trahtman 2007, Discrete Math.
    Theor. Comput. Sci. 9). Few automata need a search through all sets Q w. It takes O(2^n k n)
    time at worst, and for n = 20 50 bytes for each set and worker. Parameters, returns and raises
    as `are_strongly_connected`, but for n <= 20.

    Examples
    --------
    >>> are_aperiodic([[[0, 0, 1], [0, 1, 1]], [[1, 0, 0], [0, 0, 0]]]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["aperiodic"], workers=workers)


def are_completely_reachable(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether every non-empty set of states is Q w for some word w.

    (Bondar and Volkov 2016, DCFS, LNCS 9777.) In a partial automaton w is defined on all states
    that it meets, as careful words are. If all sets of n - 1 states are of this form, all sets are
    searched, in O(2^n k n) time. Parameters, returns and raises as `are_strongly_connected`, but
    for n <= 20.

    Examples
    --------
    >>> are_completely_reachable([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [0, 0, 0]]]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["completely-reachable"], workers=workers)


def are_irreducible(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether it synchronizes, but does not once any letter is dropped.

    As in Kisielewicz, Kowalski and Szykuła (arXiv 1607.04025). One state needs no letter, so no
    automaton of one state is irreducible. A partial automaton has a careful word, but none without
    any one of its letters; a search through all sets of states decides what pairs of states do not,
    for n <= 20. Beyond, those alone are in the class of which pairs of states prove it: with two
    letters all that have a careful word and need both. Parameters, returns and raises as
    `are_strongly_connected`.

    Examples
    --------
    >>> are_irreducible([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [0, 0, 0]]]).tolist()
    [True, False]
    >>> are_irreducible(["0 1 1|1 2 -", "1 1 0|1 2 -"]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["irreducible"], workers=workers)


def are_basic(
    deltas: npt.ArrayLike | Sequence[Automaton], *, workers: int = 1
) -> npt.NDArray[np.bool_]:
    """Return for each automaton whether its letters are distinct and none is the identity.

    (Don and Zantema 2017, LATA, arXiv 1609.06853.) An undefined transition differs from every
    other. Parameters, returns and raises as `are_strongly_connected`.

    Examples
    --------
    >>> are_basic([[[1, 2, 0], [0, 1, 0]], [[1, 2, 0], [0, 1, 2]]]).tolist()
    [True, False]
    """
    return in_classes(deltas, ["basic"], workers=workers)
