"""The flags of classes: which code decides which class, of complete and of partial automata."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from automata.classes import CLASSES, ON_SUBSETS, check_decided
from automata.deltas import Deltas, with_n_undefined
from automata.kernels import properties as kernel
from automata.parallel import run_parts
from automata.partial import need_all_letters, total_letters, with_trap
from automata.solver.careful import careful_thresholds


def bits(classes: Sequence[str]) -> np.uint16:
    """Return the flags of some classes."""
    return np.uint16(sum(1 << CLASSES.index(name) for name in set(classes)))


def flags_of_valid(
    valid: Deltas,
    classes: Sequence[str],
    workers: int,
    required: Sequence[str] | None = None,
    synchronizing: npt.NDArray[np.bool_] | None = None,
) -> npt.NDArray[np.uint16]:
    """Return the flags of these classes; with `required`, stop at the first that does not fit.

    `synchronizing` is as in `automata.properties.class_flags`.
    """
    batch, _, n = valid.shape
    check_decided(classes, n)
    flags = np.zeros(batch, np.uint16)
    if synchronizing is not None:
        given_flags = np.asarray(synchronizing)
        if given_flags.dtype != np.bool_:
            raise ValueError(f"synchronizing has entries of type {given_flags.dtype}, not bool")
        if given_flags.shape != (batch,):
            raise ValueError(f"synchronizing has shape {given_flags.shape}, not ({batch},)")
        flags[given_flags] = bits(["synchronizing"])
    own = with_n_undefined(valid)
    if own is not valid:
        return _partial_flags(valid, own, classes, workers, required, flags, synchronizing is None)
    _decide_in_kernel(valid, classes, workers, required, flags, synchronizing is not None)
    return flags


def _decide_in_kernel(
    own: Deltas,
    classes: Sequence[str],
    workers: int,
    required: Sequence[str] | None,
    flags: npt.NDArray[np.uint16],
    given: bool,
) -> None:
    """Write flags; those of synchronizing automata may be given."""
    batch, _, n = own.shape
    searched = any(name in ON_SUBSETS for name in classes)
    wanted, goal = int(bits(classes)), int(bits(required or ()))

    def decide(part: slice) -> None:
        sets = 1 << n if searched else 1
        work = np.zeros((6, sets), np.int32)
        labels = np.empty((sets, n), np.uint8)
        leave = required is not None
        kernel.class_flags(own[part], wanted, goal, leave, given, flags[part], work, labels)

    run_parts(decide, batch, workers)


def _partial_flags(
    valid: Deltas,
    own: Deltas,
    classes: Sequence[str],
    workers: int,
    required: Sequence[str] | None,
    given: npt.NDArray[np.uint16],
    search: bool,
) -> npt.NDArray[np.uint16]:
    """As `flags_of_valid`, for automata some of which are partial.

    `own` has n where a transition is undefined. If `search` is false, `given` has the flags of the
    synchronizing ones.
    """
    wanted, goal = bits(classes), bits(required or ())
    in_kernel = [name for name in classes if name not in _APART]
    flags = np.zeros(len(valid), np.uint16)
    _decide_in_kernel(own, in_kernel, workers, required, flags, False)
    flags |= given
    decided = bits(in_kernel)
    for name, decide in _APART.items():  # the cheapest first
        bit = bits([name])
        if wanted & bit or (name == "synchronizing" and "irreducible" in classes):
            rows = np.arange(len(valid))
            if required is not None:
                rows = np.flatnonzero(((flags ^ goal) & decided & wanted) == 0)
            if name == "irreducible":
                rows = rows[(flags[rows] & bits(["synchronizing"])) != 0]
            if name != "synchronizing" or search:
                flags[rows[decide(valid[rows], workers)]] |= bit
            decided |= bit
    return flags & wanted


def _have_careful_word(valid: Deltas, workers: int) -> npt.NDArray[np.bool_]:
    """Search for careful words."""
    found: npt.NDArray[np.bool_] = careful_thresholds(valid, workers=workers) >= 0
    return found


def _have_one_cluster(valid: Deltas, workers: int) -> npt.NDArray[np.bool_]:
    """Decide each letter that is defined everywhere, as an automaton of its own."""
    total = total_letters(valid)
    found = np.zeros(total.shape, np.bool_)
    flags = np.zeros(int(total.sum()), np.uint16)
    _decide_in_kernel(valid[total][:, None, :], ["one-cluster"], workers, None, flags, False)
    found[total] = flags != 0
    some: npt.NDArray[np.bool_] = np.any(found, axis=1)
    return some


def _are_aperiodic_with_trap(valid: Deltas, workers: int) -> npt.NDArray[np.bool_]:
    """With a trap, words act as functions, and the transition monoid is the same."""
    flags = np.zeros(len(valid), np.uint16)
    _decide_in_kernel(with_trap(valid), ["aperiodic"], workers, None, flags, False)
    aperiodic: npt.NDArray[np.bool_] = flags != 0
    return aperiodic


_APART: dict[str, Callable[[Deltas, int], npt.NDArray[np.bool_]]] = {
    "one-cluster": _have_one_cluster,
    "synchronizing": _have_careful_word,
    "irreducible": need_all_letters,
    "aperiodic": _are_aperiodic_with_trap,
}
"""Classes of partial automata that are not decided as those of complete ones are."""
