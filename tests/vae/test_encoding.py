"""Tokens: decoding undoes encoding; the names of targets, in every kind and at every size."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata.sampling import sample_uniform
from tests.strategies import automata
from vae.encoding import (
    TOKEN_KINDS,
    decode_tokens,
    encode_deltas,
    name_targets,
    vocabulary_size,
)

MOST = 6
sizes = pytest.mark.parametrize("n", range(1, MOST + 1))
every_kind = pytest.mark.parametrize("kind", TOKEN_KINDS)


@given(delta=automata())
def test_decoding_undoes_encoding(delta):
    k, n = delta.shape
    tokens = encode_deltas(delta[None])
    assert tokens.dtype == np.int64
    assert tokens[0].tolist() == [[delta[a, q] for a in range(k)] for q in range(n)]
    decoded = decode_tokens(tokens)
    assert decoded.dtype == np.uint8
    assert np.array_equal(decoded, delta[None])


@pytest.mark.parametrize(("batch", "n", "k"), [(0, 3, 2), (5, 1, 4), (7, 24, 6), (2, 256, 1)])
def test_batches_of_every_size(batch, n, k):
    deltas = sample_uniform(np.random.default_rng(0), batch, n, k)
    tokens = encode_deltas(deltas)
    assert tokens.shape == (batch, n, k)
    assert np.array_equal(decode_tokens(tokens), deltas)


@given(n=st.integers(1, 12), k=st.integers(1, 3), data=st.data())
def test_encoding_undoes_decoding_of_any_tokens(n, k, data):
    written = st.lists(st.integers(0, n - 1), min_size=n * k, max_size=n * k)
    tokens = np.array(data.draw(written)).reshape(1, n, k)
    assert np.array_equal(encode_deltas(decode_tokens(tokens)), tokens)


# --- the names of targets ---------------------------------------------------------------------


@every_kind
@sizes
def test_names_tell_targets_apart(kind, n):
    names = name_targets(n, MOST, kind)
    assert names.dtype == np.int64
    assert names.shape == ({"combined": 3}.get(kind, 1), n, n)
    assert 0 <= names.min() <= names.max() < vocabulary_size(MOST, kind)
    for one, q in product(names, range(n)):
        assert len({*one[q]}) == n


def test_vocabularies_hold_the_names_of_all_sizes_and_no_others():
    assert [vocabulary_size(n, "absolute") for n in (1, 2, 8)] == [1, 2, 8]
    assert [vocabulary_size(n, "relative") for n in (1, 2, 8)] == [1, 3, 15]
    assert [vocabulary_size(n, "combined") for n in (1, 2, 8)] == [3, 7, 31]
    for kind in TOKEN_KINDS:
        largest = name_targets(MOST, MOST, kind)
        assert {*largest.flat} == {*range(vocabulary_size(MOST, kind))}


@sizes
def test_absolute_names_are_the_same_for_every_source(n):
    assert name_targets(n, MOST, "absolute")[0].tolist() == [[*range(n)]] * n


@sizes
def test_relative_names_mean_the_same_at_every_n(n):
    names = name_targets(n, MOST, "relative")[0]
    for q, t in product(range(n), range(n)):
        assert names[q, t] == (t - q) + MOST - 1


@sizes
def test_combined_names_are_three_disjoint_ranges(n):
    absolute, relative, from_end = name_targets(n, MOST, "combined")
    assert np.array_equal(absolute, name_targets(n, MOST, "absolute")[0])
    assert np.array_equal(relative, name_targets(n, MOST, "relative")[0] + MOST)
    last = 3 * MOST - 1  # that of the last state, at every n
    assert from_end.tolist() == [[*range(last + n - 1, last - 1, -1)]] * n
    assert absolute.max() < MOST <= relative.min() <= relative.max() < last <= from_end.min()
