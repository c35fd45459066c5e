"""Decode and repair, with decoders whose scores we choose, against plain Python."""

from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from automata.canonical import canonical_forms, from_canonical
from automata.errors import AutomatonError
from automata.sampling import sample_uniform
from search.arms.decode import decode_and_repair
from tests import naive
from vae.coding import encode_automata
from vae.encoding import TOKEN_KINDS, encode_deltas
from vae.interpolate import interpolate
from vae.model import VAE, Decoded, ModelConfig

CERNY_4 = [[1, 2, 3, 0], [0, 1, 2, 0]]
CYCLES = [[1, 2, 3, 0], [3, 0, 1, 2]]  # permutations alone never synchronize


def make(n: int, k: int, kind: str = "absolute", any_size: bool = False) -> VAE:
    sizes = {"latent": 2, "embedding": 2, "channels": 4, "convolutions": 1, "hidden": 4}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = ModelConfig(n=n, k=k, tokens=kind, any_size=any_size, decoder="repeat", **sizes)
        model = VAE(config).eval()
        for weight in model.parameters():
            if not weight.any():
                torch.nn.init.normal_(weight)
    return model


def repair_scores(scores: torch.Tensor, repair: int, tokens: torch.Tensor | None = None):
    """Decode and repair where the decoder gives targets these scores: (batch, n, k, n).

    It writes the best targets, or the given ones.
    """
    batch, n, k, _ = scores.shape
    log_probabilities = scores.log_softmax(3)
    written = log_probabilities.argmax(3) if tokens is None else tokens
    model = make(n, k)
    model.decoder.generate = lambda *_, **__: Decoded(written, log_probabilities)
    return decode_and_repair(model, torch.zeros(batch, 2), repair=repair)


def scores_for(delta, second, sure) -> torch.Tensor:
    """Scores that make `delta` most probable and `second` next, transition by transition.

    ``sure[a][q]`` is the lead of the first over the second; other targets are far behind.
    """
    k, n = np.shape(delta)
    scores = torch.full((1, n, k, n), -9.0)
    for a, q in product(range(k), range(n)):
        scores[0, q, a, second[a][q]] = 0
        scores[0, q, a, delta[a][q]] = sure[a][q]
    return scores


def repair_naively(tokens, log_probabilities, repair: int):
    """The repaired automaton, whether it was valid as decoded, and how many entries changed."""
    n, k = len(tokens), len(tokens[0])
    delta = [[tokens[q][a] for q in range(n)] for a in range(k)]
    valid = naive.is_synchronizing(delta)
    places = [*product(range(k), range(n))]
    places.sort(key=lambda place: log_probabilities[place[1]][place[0]][tokens[place[1]][place[0]]])
    changes = 0
    for a, q in places[:repair]:
        others = [t for t in range(n) if t != delta[a][q]]
        if naive.is_synchronizing(delta) or not others:
            break
        delta[a][q] = max(others, key=lambda t: log_probabilities[q][a][t])
        changes += 1
    return delta, valid, changes


# --- by hand ----------------------------------------------------------------------------------


def test_what_is_valid_stays():
    found = repair_scores(scores_for(CERNY_4, CYCLES, [[1] * 4] * 2), repair=9)
    assert found.deltas.tolist() == [CERNY_4]
    assert found.deltas.dtype == np.uint8
    assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([True], [0])


@pytest.mark.parametrize("place", [*product(range(2), range(4))])
def test_the_least_certain_transition_changes(place):
    # every second choice merges 0 and 1 or the like, so that one change is enough
    second = [[(t + 1) % 4 for t in row] for row in CYCLES]
    sure = [[2.0] * 4, [3.0] * 4]
    sure[place[0]][place[1]] = 1.0
    found = repair_scores(scores_for(CYCLES, second, sure), repair=1)
    expected = [[*row] for row in CYCLES]
    expected[place[0]][place[1]] = second[place[0]][place[1]]
    assert found.deltas.tolist() == [expected]
    assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([False], [1])


def test_the_budget_of_repairs():
    # two 2-cycles whose second choices are loops: no repair makes them synchronizing
    delta = [[1, 0, 3, 2]]
    second = [[0, 1, 2, 3]]
    sure = [[1, 2, 3, 4]]
    for repair in range(7):
        found = repair_scores(scores_for(delta, second, sure), repair)
        changes = min(repair, 4)  # each transition changes once at most
        assert found.deltas.tolist() == [[[*second[0][:changes], *delta[0][changes:]]]]
        assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([False], [changes])


def test_one_state_needs_no_repair():
    found = repair_scores(torch.zeros(3, 1, 2, 1), repair=5)
    assert not found.deltas.any()
    assert (found.as_decoded.tolist(), found.repaired.tolist()) == ([True] * 3, [0] * 3)


# --- against plain Python ---------------------------------------------------------------------


@pytest.mark.parametrize("likely", ["best", "sampled", "permutations"])
@settings(max_examples=40)
@given(n=st.integers(2, 5), k=st.integers(1, 2), repair=st.integers(0, 6), seed=st.integers(0, 99))
def test_as_in_plain_python(likely, n, k, repair, seed):
    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(6, n, k, n, generator=generator)
    if likely == "permutations":  # hardly ever synchronizing
        cycle = np.tile(np.roll(np.arange(n, dtype=np.uint8), -1), (6, k, 1))
        scores.scatter_add_(
            3, torch.from_numpy(encode_deltas(cycle))[..., None], torch.full((6, n, k, 1), 4.0)
        )
    shares = scores.softmax(3).flatten(0, 2)
    drawn = torch.multinomial(shares, 1, generator=generator).view(6, n, k)
    tokens = drawn if likely == "sampled" else scores.argmax(3)
    found = repair_scores(scores, repair, tokens)
    log_probabilities = scores.log_softmax(3).tolist()
    for row in range(6):
        expected = repair_naively(tokens[row].tolist(), log_probabilities[row], repair)
        assert (found.deltas[row].tolist(), found.as_decoded[row], found.repaired[row]) == expected


# --- with a real model ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize("most", [5, 8], ids=["one size", "any size"])
@pytest.mark.parametrize("temperature", [0.0, 2.0])
def test_any_point_becomes_an_automaton(kind, most, temperature):
    model = make(most, 2, kind, any_size=most > 5)
    z = 5 * torch.randn(300, 2, generator=torch.Generator().manual_seed(1))

    def decode(repair: int):
        generator = torch.Generator().manual_seed(2)
        return decode_and_repair(
            model, z, repair=repair, n=5, temperature=temperature, generator=generator
        )

    raw, repaired = decode(0), decode(3)
    assert repaired.deltas.shape == (300, 2, 5)
    assert repaired.deltas.max() < 5
    assert np.array_equal(raw.as_decoded, repaired.as_decoded)
    assert not raw.repaired.any()
    assert np.array_equal(decode(3).deltas, repaired.deltas)
    same = repaired.repaired == 0
    assert np.array_equal(raw.deltas[same], repaired.deltas[same])
    for delta, valid, changes in zip(*repaired, strict=True):
        assert not valid or (changes == 0 and naive.is_synchronizing(delta.tolist()))
    distinct = len(np.unique(repaired.deltas, axis=0))
    assert distinct > (100 if temperature else 1)


def test_as_many_states_as_the_model_has_where_none_are_asked_for():
    for any_size in (False, True):
        found = decode_and_repair(make(6, 2, any_size=any_size), torch.zeros(3, 2), repair=0)
        assert found.deltas.shape == (3, 2, 6)


@pytest.mark.parametrize("kind", TOKEN_KINDS)
@pytest.mark.parametrize("most", [5, 8], ids=["one size", "any size"])
def test_automata_are_encoded_in_canonical_form(kind, most):
    model = make(most, 2, kind, any_size=most > 5)
    deltas = sample_uniform(np.random.default_rng(0), 5000, 5, 2)
    found = encode_automata(model, deltas)
    canonical = from_canonical(canonical_forms(deltas), 5, 2)
    with torch.no_grad():
        expected = model.encoder(torch.from_numpy(encode_deltas(canonical)))
    torch.testing.assert_close(found[:2], expected[:2])
    renamed = encode_automata(model, ((deltas + 1) % 5)[:, ::-1, [4, 0, 1, 2, 3]].astype(np.uint8))
    torch.testing.assert_close(found[:2], renamed[:2])


# --- what is not finite -----------------------------------------------------------------------


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("any_size", [False, True])
def test_points_that_are_not_finite_are_refused(value: float, any_size: bool) -> None:
    z = torch.zeros(5, 2)
    z[3, 1] = z[4, 0] = value
    for temperature in (0.0, 1.0):
        with pytest.raises(ValueError, match="^point 3 of 5 is not finite$"):
            decode_and_repair(
                make(4, 2, any_size=any_size),
                z,
                repair=1,
                temperature=temperature,
                generator=torch.Generator(),
            )
        with pytest.raises(ValueError, match="^point 3 of 5 is not finite$"):
            make(4, 2, any_size=any_size).decoder.generate(z, temperature=temperature)
    path = interpolate("polar", torch.ones(2, 2), torch.ones(2, 2), torch.tensor([0.5, 1.5]))
    with pytest.raises(ValueError, match="^point 1 of 2 is not finite$"):
        decode_and_repair(make(4, 2), path, repair=0)


def test_a_model_that_makes_nothing_of_a_point_is_refused() -> None:
    model = make(4, 2)
    with torch.no_grad():
        model.decoder.output.bias[0] = torch.nan
    with pytest.raises(ValueError, match="^point 0 of 3 decodes to NaN$"):
        decode_and_repair(model, torch.zeros(3, 2), repair=0)
    model = make(4, 2)
    with torch.no_grad():
        model.decoder.start.weight.fill_(1e38)
    with pytest.raises(ValueError, match="^point 1 of 2 decodes to NaN$"):
        decode_and_repair(model, torch.tensor([[0.0, 0.0], [3e38, -3e38]]), repair=0)


@pytest.mark.parametrize("temperature", [torch.nan, torch.inf, -1.0, "warm"])
def test_temperatures_that_are_none(temperature: float) -> None:
    with pytest.raises(ValueError, match="^temperature="):
        decode_and_repair(make(4, 2), torch.zeros(3, 2), repair=0, temperature=temperature)


@pytest.mark.parametrize("repair", [-1, 1.5, torch.nan, "two"])
def test_repairs_that_are_none(repair: int) -> None:
    with pytest.raises(ValueError, match="^repair="):
        decode_and_repair(make(4, 2), torch.zeros(3, 2), repair=repair)


def test_only_automata_are_encoded() -> None:
    for wrong in (np.full((1, 2, 4), 4), np.full((1, 2, 4), np.nan), np.zeros((2, 4), int)):
        with pytest.raises(AutomatonError):
            encode_automata(make(4, 2), wrong)
