"""Tokens: decoding undoes encoding, in both kinds."""

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
    target_tokens,
    vocabulary_size,
)

both_kinds = pytest.mark.parametrize("kind", TOKEN_KINDS)


@both_kinds
@given(delta=automata())
def test_decoding_undoes_encoding(kind, delta):
    k, n = delta.shape
    tokens = encode_deltas(delta[None], kind)
    assert tokens.dtype == np.int64
    assert tokens.shape == (1, n, k)
    assert 0 <= tokens.min() <= tokens.max() < vocabulary_size(n, kind)
    assert np.array_equal(decode_tokens(tokens, kind), delta[None])
    names = target_tokens(n, kind)
    assert tokens[0].tolist() == [[names[q, delta[a, q]] for a in range(k)] for q in range(n)]


@both_kinds
@pytest.mark.parametrize(("batch", "n", "k"), [(0, 3, 2), (5, 1, 4), (7, 24, 6), (2, 256, 1)])
def test_batches_of_every_size(kind, batch, n, k):
    deltas = sample_uniform(np.random.default_rng(0), batch, n, k)
    assert np.array_equal(decode_tokens(encode_deltas(deltas, kind), kind), deltas)


@given(n=st.integers(1, 12), k=st.integers(1, 3), data=st.data())
def test_encoding_undoes_decoding_of_any_tokens(n, k, data):
    for kind in TOKEN_KINDS:
        vocabulary = vocabulary_size(n, kind)
        written = st.lists(st.integers(0, vocabulary - 1), min_size=n * k, max_size=n * k)
        tokens = np.array(data.draw(written)).reshape(1, n, k)
        targets = decode_tokens(tokens, kind)
        assert np.array_equal(encode_deltas(targets, kind), tokens)
        names = target_tokens(n, kind)
        for q, a in product(range(n), range(k)):
            assert (0 <= targets[0, a, q] < n) == (tokens[0, q, a] in names[q])


def test_vocabularies():
    assert [vocabulary_size(n, "absolute") for n in (1, 2, 8)] == [1, 2, 8]
    assert [vocabulary_size(n, "relative") for n in (1, 2, 8)] == [1, 3, 15]
    for kind in TOKEN_KINDS:  # every token is some state's target
        assert set(target_tokens(5, kind).ravel()) == set(range(vocabulary_size(5, kind)))


def test_relative_tokens_mean_the_same_at_every_n():
    offsets = {
        n: target_tokens(n, "relative") - vocabulary_size(n, "relative") // 2 for n in (4, 9)
    }
    assert np.array_equal(offsets[4], offsets[9][:4, :4])
    assert offsets[9][2].tolist() == [-2, -1, 0, 1, 2, 3, 4, 5, 6]
