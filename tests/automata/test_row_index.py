"""The set of rows against a dict, and the hash that splits rest on."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automata.row_index import RowIndex, Rows, hash_rows


@st.composite
def widths_and_batches(draw: st.DrawFn) -> tuple[int, list[list[bytes]]]:
    """A width and batches of rows of few values, so that rows repeat."""
    width = draw(st.integers(1, 3))
    row = st.lists(st.sampled_from([0, 1, 255]), min_size=width, max_size=width).map(bytes)
    return width, draw(st.lists(st.lists(row, max_size=30), max_size=5))


def as_rows(batch: list[bytes], width: int) -> Rows:
    return np.frombuffer(b"".join(batch), np.uint8).reshape(len(batch), width)


@settings(deadline=None)
@given(widths_and_batches())
def test_against_a_dict(drawn: tuple[int, list[list[bytes]]]) -> None:
    width, batches = drawn
    index = RowIndex(width)
    known: dict[bytes, int] = {}
    for batch in batches:
        rows = as_rows(batch, width)
        assert index.find(rows).tolist() == [known.get(row, -1) for row in batch]
        first = [i for i, row in enumerate(batch) if row not in {*known, *batch[:i]}]
        for i in first:
            known[batch[i]] = len(known)
        if len(known) % 2:
            assert index.add_new(rows).tolist() == first
        else:
            assert index.add(rows).tolist() == [known[row] for row in batch]
        assert index.find(rows).tolist() == [known[row] for row in batch]
        assert [bytes(row) for row in index.rows] == list(known)
        assert len(index) == len(known)


@pytest.mark.parametrize("step", [1, 511, 512, 513, 20_000])
def test_growth(step: int) -> None:
    numbers = np.arange(4_000 if step == 1 else 20_000, dtype=np.uint32)
    rows = numbers.view(np.uint8).reshape(-1, 4)
    index = RowIndex(4)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        assert index.add(part).tolist() == numbers[start : start + step].tolist()
    assert np.array_equal(index.rows, rows)
    assert np.array_equal(index.find(rows[::-1]), numbers[::-1])
    assert (index.find(rows + np.uint8([0, 0, 0, 1])) == -1).all()
    assert index.add_new(rows).size == 0


def test_rows_that_are_not_contiguous() -> None:
    wide = np.arange(24, dtype=np.uint8).reshape(4, 6)
    index = RowIndex(3)
    index.add(wide[:, ::2])
    assert np.array_equal(index.rows, wide[:, ::2])
    assert np.array_equal(hash_rows(wide[:, ::2]), hash_rows(wide[:, ::2].copy()))


def test_hashes_are_the_same_for_ever() -> None:
    # the held-out rows of every dataset depend on them
    rows = np.array([[0, 0, 0, 0], [0, 1, 0, 2], [255, 254, 253, 252]], np.uint8)
    pinned = [0xACA6D6B54BE3ED05, 0x6079CAA89AC8CC35, 0x95B7983209721BEB]
    assert hash_rows(rows).tolist() == pinned
    assert hash_rows(rows[:0]).shape == (0,)


def test_hashes_by_the_definition() -> None:
    def by_hand(row: list[int]) -> int:
        value, mask = 0xCBF29CE484222325, (1 << 64) - 1
        for byte in row:
            value = (value ^ byte) * 0x100000001B3 & mask
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & mask
        value = (value ^ value >> 27) * 0x94D049BB133111EB & mask
        return value ^ value >> 31

    rows = np.random.default_rng(0).integers(0, 256, (100, 16), dtype=np.uint8)
    assert hash_rows(rows).tolist() == [by_hand(row) for row in rows.tolist()]
    assert len(set((hash_rows(rows) % np.uint64(10_000)).tolist())) > 90
