"""Decode and repair, with decoders that write what we tell them, against plain Python."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from automata.canonical import canonical_forms, from_canonical
from automata.sampling import sample_uniform
from search.decode import decode_and_repair, encode_automata
from tests import naive
from vae.encoding import TOKEN_KINDS, encode_deltas, target_tokens, vocabulary_size
from vae.model import VAE, Decoded, ModelConfig

CERNY_4 = [[1, 2, 3, 0], [0, 1, 2, 0]]
CYCLES = [[1, 2, 3, 0], [3, 0, 1, 2]]  # permutations alone never synchronize


def make(n: int, k: int, kind: str = "absolute") -> VAE:
    sizes = {"latent": 2, "embedding": 2, "channels": 4, "convolutions": 1, "hidden": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return VAE(ModelConfig(n=n, k=k, tokens=kind, decoder="repeat", **sizes)).eval()


def repair_scores(scores: torch.Tensor, kind: str, repair: int, tokens: torch.Tensor | None = None):
    """Decode and repair where the decoder gives tokens these scores: (batch, n, k, vocabulary).

    It writes the best tokens, or the given ones.
    """
    batch, n, k, _ = scores.shape
    log_probabilities = scores.log_softmax(3)
    written = log_probabilities.argmax(3) if tokens is None else tokens
    model = make(n, k, kind)
    model.decoder.generate = lambda *_, **__: Decoded(written, log_probabilities)
    return decode_and_repair(model, torch.zeros(batch, 2), repair=repair)


def scores_for(delta, second, sure, kind: str = "absolute") -> torch.Tensor:
    """Scores that make `delta` most probable and `second` next, transition by transition.

    ``sure[a][q]`` tells the one from the other; everything else is far behind.
    """
    k, n = np.shape(delta)
    scores = torch.full((1, n, k, vocabulary_size(n, kind)), -9.0)
    names = target_tokens(n, kind)
    for a, q in product(range(k), range(n)):
        scores[0, q, a, names[q, second[a][q]]] = 0
        scores[0, q, a, names[q, delta[a][q]]] = sure[a][q]
    return scores


def repair_naively(tokens, log_probabilities, kind: str, repair: int):
    """The repaired automaton, whether it was valid as decoded, and how many entries changed."""
    n, k = len(tokens), len(tokens[0])
    score = {
        (a, q, t): log_probabilities[q][a][t if kind == "absolute" else t - q + n - 1]
        for a, q, t in product(range(k), range(n), range(n))
    }
    places = [*product(range(k), range(n))]
    delta = [[0] * n for _ in range(k)]
    changes = 0
    for a, q in places:
        delta[a][q] = tokens[q][a] if kind == "absolute" else tokens[q][a] + q - (n - 1)
        if not 0 <= delta[a][q] < n:
            delta[a][q] = max(range(n), key=lambda t: score[a, q, t])
            changes += 1
    valid = changes == 0 and naive.is_synchronizing(delta)
    places.sort(key=lambda place: score[*place, delta[place[0]][place[1]]])
    for a, q in places[:repair]:
        others = [t for t in range(n) if t != delta[a][q]]
        if naive.is_synchronizing(delta) or not others:
            break
        delta[a][q] = max(others, key=lambda t: score[a, q, t])
        changes += 1
    return delta, valid, changes


# --- by hand ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_what_is_valid_stays(kind):
    sure = [[1] * 4] * 2
    found = repair_scores(scores_for(CERNY_4, CYCLES, sure, kind), kind, repair=9)
    assert found.deltas.tolist() == [CERNY_4]
    assert found.deltas.dtype == np.uint8
    assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([True], [0])


@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize("place", [*product(range(2), range(4))])
def test_the_least_certain_transition_changes(kind, place):
    # every second choice merges 0 and 1 or the like, so that one change is enough
    second = [[(t + 1) % 4 for t in row] for row in CYCLES]
    sure = [[2.0] * 4, [3.0] * 4]
    sure[place[0]][place[1]] = 1.0
    found = repair_scores(scores_for(CYCLES, second, sure, kind), kind, repair=1)
    expected = [[*row] for row in CYCLES]
    expected[place[0]][place[1]] = second[place[0]][place[1]]
    assert found.deltas.tolist() == [expected]
    assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([False], [1])


def test_the_budget_of_repairs():
    # two copies of a cycle on two states: certain where it matters, so that all repairs are vain
    delta = [[1, 0, 3, 2]]
    second = [[0, 1, 2, 3]]
    sure = [[1, 2, 3, 4]]
    for repair in range(7):
        found = repair_scores(scores_for(delta, second, sure), "absolute", repair)
        changes = min(repair, 4)  # each transition changes once at most
        assert found.deltas.tolist() == [[[*second[0][:changes], *delta[0][changes:]]]]
        assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([False], [changes])


def test_entries_that_are_no_states():
    # state 0 to -1, state 3 to 4: tokens 2 and 4 of the offsets -3..3 at 0..6
    tokens = torch.tensor([[[2], [4], [4], [4]]])
    scores = torch.zeros(1, 4, 1, 7)
    scores[0, torch.arange(4), 0, tokens[0, :, 0]] = 5
    scores[0, 0, 0, 4] = 1  # the next best: state 0 to 1
    scores[0, 3, 0, 3] = 1  # and state 3 to 3
    found = repair_scores(scores, "relative", repair=0)
    assert found.deltas.tolist() == [[[1, 2, 3, 3]]]  # synchronizing now
    assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([False], [2])


def test_one_state_needs_no_repair():
    for kind in TOKEN_KINDS:
        found = repair_scores(torch.zeros(3, 1, 2, 1), kind, repair=5)
        assert not found.deltas.any()
        assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([True] * 3, [0] * 3)


# --- against plain Python ---------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize("likely", ["best", "sampled", "permutations"])
@settings(max_examples=40)
@given(n=st.integers(2, 5), k=st.integers(1, 2), repair=st.integers(0, 6), seed=st.integers(0, 99))
def test_as_in_plain_python(kind, likely, n, k, repair, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(6, n, k, vocabulary_size(n, kind), generator=generator)
    if likely == "permutations":  # hardly ever synchronizing
        cycle = np.tile(np.roll(np.arange(n, dtype=np.uint8), -1), (6, k, 1))
        scores.scatter_add_(
            3,
            torch.from_numpy(encode_deltas(cycle, kind))[..., None],
            torch.full((6, n, k, 1), 4.0),
        )
    shares = scores.softmax(3).flatten(0, 2)
    drawn = torch.multinomial(shares, 1, generator=generator).view(6, n, k)
    tokens = drawn if likely == "sampled" else scores.argmax(3)
    found = repair_scores(scores, kind, repair, tokens)
    assert found.deltas.max() < n
    log_probabilities = scores.log_softmax(3).tolist()
    for row in range(6):
        expected = repair_naively(tokens[row].tolist(), log_probabilities[row], kind, repair)
        assert (found.deltas[row].tolist(), found.as_decoded[row], found.repaired[row]) == expected


# --- with a real model ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_any_point_becomes_an_automaton(kind, temperature):
    model, z = make(5, 2, kind), 5 * torch.randn(300, 2, generator=torch.Generator().manual_seed(1))

    def decode(repair: int):
        generator = torch.Generator().manual_seed(2)
        return decode_and_repair(
            model, z, repair=repair, temperature=temperature, generator=generator
        )

    raw, repaired = decode(0), decode(3)
    assert repaired.deltas.max() < 5
    assert np.array_equal(raw.as_decoded, repaired.as_decoded)
    assert np.array_equal(decode(3).deltas, repaired.deltas)
    same = raw.repaired == repaired.repaired
    assert np.array_equal(raw.deltas[same], repaired.deltas[same])
    for delta, valid, changes in zip(*repaired, strict=True):
        assert not valid or (changes == 0 and naive.is_synchronizing(delta.tolist()))
    distinct = len(np.unique(repaired.deltas, axis=0))
    assert distinct > (100 if temperature else 1)


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_automata_are_encoded_in_canonical_form(kind):
    model, deltas = make(5, 2, kind), sample_uniform(np.random.default_rng(0), 5000, 5, 2)
    found = encode_automata(model, deltas)
    canonical = from_canonical(canonical_forms(deltas), 5, 2)
    with torch.no_grad():
        expected = model.encoder(torch.from_numpy(encode_deltas(canonical, kind)))
    torch.testing.assert_close(found, expected)
    renamed = encode_automata(model, ((deltas + 1) % 5)[:, ::-1, [4, 0, 1, 2, 3]].astype(np.uint8))
    torch.testing.assert_close(found, renamed)
