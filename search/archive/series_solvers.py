"""What computes, and what proves, the thresholds of lengthened automata."""

from __future__ import annotations

from functools import partial as bound_to

from automata.deltas import Deltas
from automata.proof.certify import proved_threshold
from automata.solver.exact import NOT_SYNCHRONIZING, UNKNOWN
from automata.solver.limits import LimitReached, WordLimitReached
from automata.solver.once import SolvedOnce
from automata.solver.timed import Clock
from automata.units import Pool

_RECURRING = 4
"""Times as much memory where thresholds may obey a recurrence, and so grow exponentially."""


class Solvers:
    """The solvers of one search for series; each threshold is computed once.

    Parameters
    ----------
    partial : bool
        Whether the automata are partial.
    memory_limit : int
        Bytes for a threshold that a quadratic formula may give.
    pool : Pool
        Where automata are solved, each by one thread, so that its memory does for equally much on
        all machines, and where thresholds are proved.
    clock : Clock, optional
        Ends all of them.
    """

    quadratic: SolvedOnce
    """For thresholds that a quadratic formula may give."""
    recurring: SolvedOnce
    """For thresholds that may obey a recurrence."""
    proofs: SolvedOnce
    """For thresholds that certificates prove."""

    named: dict[str, SolvedOnce]
    """All three, by names that say what their thresholds depend on."""

    def __init__(
        self, *, partial: bool, memory_limit: int, pool: Pool, clock: Clock | None = None
    ) -> None:
        self.clock = clock or Clock()
        make = bound_to(SolvedOnce, partial=partial, pool=pool, clock=clock)
        self.quadratic = make(memory_limit=memory_limit)
        self.recurring = make(memory_limit=_RECURRING * memory_limit)
        self.proofs = make(one=_prove)
        kind = "partial" if partial else "complete"
        self.named = {
            f"{kind}, {memory_limit} bytes": self.quadratic,
            f"{kind}, {_RECURRING * memory_limit} bytes": self.recurring,
            f"{kind}, certificates": self.proofs,
        }

    @property
    def lost(self) -> list[str]:
        """Return why automata that ended their workers are not solved."""
        return [line for solver in self.named.values() for line in solver.lost]

    @property
    def slow(self) -> int:
        """Number of automata for which all the time that one may take did not suffice."""
        known = [known for solver in self.named.values() for known in solver.known()]
        return sum(int((own.seconds > 0).sum()) for own in known)


def _prove(delta: Deltas, seconds: float | None) -> int:
    """Return the threshold that a certificate proves."""
    try:
        proved = proved_threshold(delta, time_limit=seconds)
    except (LimitReached, WordLimitReached):
        return UNKNOWN
    return NOT_SYNCHRONIZING if proved is None else proved
