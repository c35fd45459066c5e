"""Units of work: results in order, however they finish, are split or are lost."""

import os
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from automata import units as module
from automata.units import Lost, Pool, Split, processes, results_of_units, threads


class Held(module._Here):
    """Does each task at once, but for the first one, which waits."""

    def __init__(self) -> None:
        self.first: Future[Any] | None = None
        self.all: list[Future[Any]] = []

    def submit(self, task: Any, *arguments: Any) -> Future[Any]:
        if self.first is None:
            self.first = future = Future()
        else:
            future = super().submit(task, *arguments)
        self.all.append(future)
        return future


def of_two(executor: Any) -> Pool:
    """A pool that seems to have two workers."""
    return Pool(executor, lambda: 2)


def test_results_are_in_order_and_units_are_read_as_they_are_submitted() -> None:
    read: list[int] = []

    def units() -> Iterator[int]:
        for unit in range(100):
            read.append(unit)
            yield unit

    with threads(3) as pool:
        for place, found in enumerate(results_of_units(pool, lambda unit: -unit, units())):
            assert found == [-place]
            assert len(read) <= place + 1 + 3 * module._WINDOW + 100  # what is done may wait
    assert read == [*range(100)]
    assert [*results_of_units(of_two(module._Here()), abs, [])] == []


@pytest.mark.parametrize("pool", [of_two(module._Here()), Pool(module._Here(), lambda: 0)])
def test_what_a_unit_is_split_into_belongs_to_it(pool: Pool) -> None:
    def halve(unit: range) -> Any:
        middle = len(unit) // 2
        return Split(unit[0], [unit[1:middle], unit[middle:]]) if middle > 1 else [*unit]

    units = [range(0, 9), range(9, 10), range(10, 30)]
    for unit, found in zip(units, results_of_units(pool, halve, units), strict=True):
        numbers = [n for part in found for n in (part if isinstance(part, list) else [part])]
        assert sorted(numbers) == [*unit]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind an unfinished unit only so much is done."""
    monkeypatch.setattr(module, "_HELD", 20)
    executor, sizes, taken = Held(), [], []

    def size(result: int) -> int:
        sizes.append(result)
        if len(sizes) == 20:  # nothing else would go on
            executor.first.set_result(0)
            assert len(taken) <= 20 + 2 * module._WINDOW
        return 1

    units = (taken.append(unit) or unit for unit in range(1000))
    found = results_of_units(of_two(executor), abs, units, size=size)
    assert [*found] == [[unit] for unit in range(1000)]


def test_a_lost_unit_is_named_and_the_rest_goes_on() -> None:
    def work(unit: list[int]) -> int:
        if 5 in unit:
            raise Lost("ended 3 workers")
        return sum(unit)

    def apart(unit: list[int]) -> list[list[int]]:
        return [[n] for n in unit] if len(unit) > 1 else []

    units = [[1, 2], [4, 5, 6], [7]]
    first, second, third = results_of_units(of_two(module._Here()), work, units, apart=apart)
    assert (first, third) == ([3], [7])
    (lost,) = (part for part in second if isinstance(part, Lost))
    assert lost.unit == [5] and sorted(part for part in second if part is not lost) == [4, 6]


def test_what_is_queued_is_cancelled() -> None:
    executor = Held()
    found = results_of_units(of_two(executor), abs, iter([0, ValueError, 2]))
    with pytest.raises(TypeError):
        next(found)
    assert executor.first.cancelled()


def test_processes_are_a_pool_too() -> None:
    with processes(1) as pool:
        assert [*results_of_units(pool, abs, [-3, 4])] == [[3], [4]]


def test_a_killed_process_is_an_error_of_one_line() -> None:
    with pytest.raises(ChildProcessError, match="^a process was killed .* run the command again$"):
        with processes(1) as pool:
            [*results_of_units(pool, os._exit, [9])]
