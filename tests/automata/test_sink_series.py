"""The two series of automata with a sink in docs/findings.md, by the rules that stand there."""

import pytest

from automata import are_isomorphic, in_classes, reset_threshold
from data.records import records


def divisible_by_four(n: int) -> list[list[int]]:
    a, b = [*range(n)], [*range(n)]
    a[0], a[1], a[2], a[4] = 1, 0, 4, 2
    a[5 : n - 6] = range(7, n - 4)
    a[n - 6], a[n - 5], a[n - 4], a[n - 3], a[n - 2] = n - 8, 5, 2, 6, 2
    b[0], b[2], b[1], b[3], b[5], b[4] = 2, 1, 3, 5, 0, 6
    for q in range(6, n - 7, 2):
        b[q] = 4
    b[n - 6], b[n - 4], b[n - 3], b[n - 2] = n - 4, n - 3, n - 2, n - 1
    return [a, b]


def one_more(n: int) -> list[list[int]]:
    a, b = [*range(n)], [*range(n)]
    a[0], a[1], a[3], a[2], a[4], a[6] = 1, 3, 2, 4, 0, 8
    for q in range(8, n - 6, 2):
        a[q] = 6
    a[n - 5], a[n - 4], a[n - 3], a[n - 2] = n - 4, n - 3, n - 2, n - 1
    b[0], b[2], b[3], b[5], b[4], b[6] = 2, 0, 5, 7, 6, 4
    b[7 : n - 6] = range(9, n - 4)
    b[n - 6], b[n - 5], b[n - 4], b[n - 3], b[n - 2] = 3, n - 7, 4, 8, 4
    return [a, b]


@pytest.mark.parametrize("n", [16, 20, 24, 17, 21, 25])
def test_the_thresholds_obey_the_formulas(n: int) -> None:
    delta = one_more(n) if n % 4 else divisible_by_four(n)
    assert in_classes([delta], ["sink"]).all()
    assert reset_threshold(delta) == (n * n + 8 * n - 16) // 4
    if n < 20:
        assert are_isomorphic(delta, records()["sink", n].automaton)
