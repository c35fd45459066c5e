"""Linear recurrences: those that a sequence obeys are found, others are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata.recurrences import RECURRENCE_TERMS, Recurrence, find_recurrence

FAMILY_P = [119, 146, 176, 211, 248, 288, 332, 379]
SHAPES = [(1, False), (2, False), (1, True), (3, False), (2, True)]


def extended(recurrence: Recurrence, first: list[int], terms: int) -> list[int]:
    values = [*first]
    while len(values) < terms:
        order = len(recurrence.coefficients)
        latest = values[: -order - 1 : -1]
        values.append(
            recurrence.constant
            + sum(a * b for a, b in zip(recurrence.coefficients, latest, strict=True))
        )
    return values


@given(data=st.data(), shape=st.sampled_from(SHAPES), step=st.integers(1, 3))
def test_a_sequence_of_a_recurrence_obeys_what_is_found(data, shape, step):
    order, constant = shape
    small = st.integers(-3, 3)
    coefficients = tuple(data.draw(st.lists(small, min_size=order, max_size=order)))
    own = Recurrence(coefficients, data.draw(small) if constant else 0, step)
    first = data.draw(st.lists(st.integers(0, 50), min_size=order, max_size=order))
    values = extended(own, first, RECURRENCE_TERMS + 6)
    found = find_recurrence(values[:RECURRENCE_TERMS], step=step)
    if found is None:  # the equations of the shape have many solutions, of which none is least
        first_rows = [values[i : i + order + constant] for i in range(order + constant)]
        assert len({*map(tuple, first_rows)}) < len(first_rows) or 0 in values[:3] or values[0] == 0
        return
    assert found.holds(values[:RECURRENCE_TERMS])
    assert len(found.coefficients) <= order + constant
    assert found.step == step


@given(place=st.integers(0, 12), by=st.integers(-2, 2), step=st.integers(1, 2))
def test_what_is_found_holds_for_all_terms(place, by, step):
    values = extended(Recurrence((step, 1), 1), [1, 2], 13)
    values[place] += by
    found = find_recurrence(values)
    assert (found is not None) == (by == 0)
    if found is not None:
        order = len(found.coefficients)
        assert extended(found, values[:order], len(values)) == values


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([1, 1, 2, 3, 5, 8, 13, 21], "L(n-1)+L(n-2)"),
        ([3, 6, 12, 24], "2L(n-1)"),
        ([1, 3, 7, 15, 31, 63], "2L(n-1)+1"),
        ([5, 5, 5, 5], "L(n-1)"),
        ([1, 4, 9, 16, 25, 36, 49, 64, 81, 100], "2L(n-1)-L(n-2)+2"),
        ([0, 1, 4, 13, 40, 121], "3L(n-1)+1"),
        ([1, 1, 2, 4, 7, 13, 24, 44, 81, 149], "L(n-1)+L(n-2)+L(n-3)"),
    ],
)
def test_known_sequences(values, text):
    found = find_recurrence(values)
    assert str(found) == text
    assert found.following(values[:-1]) == values[-1]


def test_a_rule_that_any_numbers_obey_is_none():
    assert find_recurrence([1, 2]) is None
    assert find_recurrence([3, 6, 12]) is None  # one coefficient, and one more term: too few
    assert find_recurrence([1, 1, 2, 3, 5, 8]) is None
    assert find_recurrence([1, 2, 4, 8, 16, 33]) is None
    assert find_recurrence([]) is None


def test_no_small_recurrence_gives_the_lengths_of_the_family_p():
    assert find_recurrence(FAMILY_P) is None
    by_c = [141, 168, 197, 228, 262, 298, 336, 376, 418, 462, 508, 556, 607, 660]  # c = 0, n >= 12
    assert all(find_recurrence(by_c[first:]) is None for first in range(4))


@pytest.mark.parametrize(("step", "message"), [(0, "step=0"), (1.5, "step=1.5")])
def test_steps_that_cannot_be(step, message):
    with pytest.raises(ValueError, match=message):
        find_recurrence([1, 2, 4], step=step)
