"""The finds of the units of an enumeration, wherever these are searched."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from typing import NamedTuple

from automata.canonical import canonical_forms, from_canonical
from automata.enumeration import Enumeration, Found, Part
from automata.properties import class_flags
from automata.units import Lost, Pool, Split, results_of_units
from data.buffer import Unit, describe
from data.configs import EnumerateConfig
from data.counts import count, no_counts, summed, without_tail

_NODES = 1 << 22
"""Transitions that a task tries, about; they take seconds."""
_NODES_A_WORKER = 1 << 14
"""The same for each worker, if that is more: schedulers hand out some hundred tasks a second."""
_MOST_UNITS = 1024
"""Units of a task at most."""

_Numbered = tuple[int, Unit | Lost]
"""The number of a unit and its finds, or why there are none."""


class _Task(NamedTuple):
    """Units or parts of units, each with the number of its unit, and the transitions to try."""

    nodes: int
    parts: list[tuple[int, Part]]


def finds_of_units(
    pool: Pool, enumeration: Enumeration, config: EnumerateConfig, numbers: Iterable[int]
) -> Generator[_Numbered, None, None]:
    """Search units, and yield the finds of each in their order.

    A task is a batch of units, as many as take about half a task's time, but no more than have been
    searched: the first ones may be light. Of a long unit a task searches a part, and the rest makes
    tasks of its own: so no unit runs alone at the end.

    Parameters
    ----------
    pool : Pool
    enumeration : Enumeration
    config : EnumerateConfig
    numbers : iterable of int
        They rise.

    Yields
    ------
    int
        The number of a unit.
    Unit or Lost
        Its finds; `Lost` if it ended its workers.
    """
    units = nodes = 0  # searched so far

    def tasks() -> Iterator[_Task]:
        left = iter(numbers)
        while True:
            task = max(_NODES, _NODES_A_WORKER * pool.workers())
            wanted = task // 2 * units // max(1, nodes)
            batch = [*islice(left, max(1, min(wanted, units, _MOST_UNITS)))]
            if not batch:
                return
            yield _Task(task, [(number, enumeration.part(number)) for number in batch])

    search = partial(_search, enumeration, config)
    with closing(results_of_units(pool, search, tasks(), size=_size, apart=_apart)) as batches:
        for found in batches:
            for number, unit in _joined(found):
                units += 1
                nodes += 0 if isinstance(unit, Lost) else unit.nodes
                yield number, unit


def _search(enumeration: Enumeration, config: EnumerateConfig, task: _Task) -> Split:
    """Search units one after the other, until the transitions of the task are spent."""
    found: list[tuple[int, Unit]] = []
    left = task.nodes
    for place, (number, part) in enumerate(task.parts):
        parts, rest = enumeration.run_part(part, left)
        found.append((number, _finds(parts, config)))
        left -= found[-1][1].nodes
        if rest or left <= 0:
            later = [[(number, one)] for one in rest] + [task.parts[place + 1 :]]
            return Split(found, [task._replace(parts=parts) for parts in later if parts])
    return Split(found, [])


def _finds(parts: Iterable[Found], config: EnumerateConfig) -> Unit:
    """Rename, describe and count automata."""
    n, k, kind = config.n, config.k, {"partial": config.partial}
    nodes, counts, described = 0, no_counts(n, **kind), []
    for deltas, thresholds, visited in parts:
        nodes += visited
        if len(deltas) == 0:
            continue
        if config.rows:  # before the properties: defects follow the order of the letters
            deltas = from_canonical(canonical_forms(deltas), n, k, **kind)
        flags = class_flags(deltas, synchronizing=thresholds >= 0)
        counts += count(thresholds, flags, n, **kind)
        if config.rows:
            described.append(describe(deltas, thresholds, flags, **kind))
    return Unit(nodes, without_tail(counts), described)


def _joined(found: Iterable[list[tuple[int, Unit]] | Lost]) -> list[_Numbered]:
    """Return the finds of whole units, by number, from those of their parts."""
    units: dict[int, Unit | Lost] = {}
    for part in found:
        for number, one in _named(part):
            other = units.get(number, one)
            if isinstance(one, Unit) and isinstance(other, Unit) and other is not one:
                counts = summed(other.counts, one.counts)
                one = Unit(other.nodes + one.nodes, counts, [*other.parts, *one.parts])
            units[number] = other if isinstance(other, Lost) else one
    return sorted(units.items(), key=lambda numbered: numbered[0])


def _named(part: list[tuple[int, Unit]] | Lost) -> Iterable[_Numbered]:
    """Return the finds of the units of a task, or that it is lost."""
    return [(number, part) for number, _ in part.unit.parts] if isinstance(part, Lost) else part


def _apart(task: _Task) -> list[_Task]:
    """Return a task for each unit of one that is lost; none if it is one unit alone."""
    several = task.parts if len(task.parts) > 1 else []
    return [task._replace(parts=[part]) for part in several]


def _size(found: list[tuple[int, Unit]]) -> int:
    """Return the bytes of the finds of units."""
    arrays = [unit.counts for _, unit in found]
    arrays += [
        array
        for _, unit in found
        for data in unit.parts
        for array in (data.deltas, data.reset_thresholds, *data.properties.values())
    ]
    return sum(array.nbytes for array in arrays)
