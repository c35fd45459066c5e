"""Models of partial automata: one name more in the vocabulary, and nothing else changes."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automata.deltas import UNDEFINED
from automata.errors import AutomatonError
from automata.settings import record_of
from data.checks import build
from tests.vae.checks import (
    check_order,
    check_shapes,
    check_teacher_forcing,
    draw_z,
    learn,
    loss_of,
    sizes_of,
)
from tests.vae.models import MODEL, OPTIONS, TINY, N, draw_tokens, make, seeded
from vae.config import DECODERS, TOKEN_KINDS, ModelConfig
from vae.encoding import decode_tokens, encode_deltas, name_targets, vocabulary_size
from vae.metrics import reconstruction_metrics

pytestmark = pytest.mark.usefixtures("one_thread")

MOST = 6
every_kind = pytest.mark.parametrize("tokens", TOKEN_KINDS)


@pytest.fixture(params=[*product(DECODERS, TOKEN_KINDS, ((1, False), (3, True)))], ids=str)
def model(request):
    decoder, tokens, (k, any_size) = request.param
    return make(decoder=decoder, k=k, tokens=tokens, any_size=any_size, partial=True)


# --- tokens -----------------------------------------------------------------------------------


@given(n=st.integers(1, 12), k=st.integers(1, 4), data=st.data())
def test_tokens_undo_automata_and_automata_tokens(n, k, data):
    written = st.lists(st.integers(0, n), min_size=n * k, max_size=n * k)
    tokens = np.array(data.draw(written)).reshape(1, n, k)
    deltas = decode_tokens(tokens, partial=True)
    assert deltas.dtype == np.uint8
    for q, a in product(range(n), range(k)):
        token = tokens[0, q, a]
        assert deltas[0, a, q] == (UNDEFINED if token == n else token)
    assert np.array_equal(encode_deltas(deltas, partial=True), tokens)


def test_undefined_is_only_for_models_of_partial_automata():
    with pytest.raises(AutomatonError, match="undefined on state 0"):
        encode_deltas([[[None, 0]]])
    with pytest.raises(AutomatonError, match=r"outside 0\.\.1"):
        decode_tokens([[[2], [0]]])
    with pytest.raises(AutomatonError, match=r"outside 0\.\.1"):
        decode_tokens([[[3], [0]]], partial=True)


@every_kind
@pytest.mark.parametrize("n", range(1, MOST + 1))
def test_the_last_name_is_that_of_an_undefined_transition(tokens, n):
    complete, names = (name_targets(n, MOST, tokens, partial=own) for own in (False, True))
    assert np.array_equal(names[:, :, :n], complete)
    assert (names[:, :, n:] == vocabulary_size(MOST, tokens)).all()
    assert names.shape[2] == n + 1
    assert vocabulary_size(MOST, tokens, partial=True) == vocabulary_size(MOST, tokens) + 1


# --- the model --------------------------------------------------------------------------------


def test_shapes(model):
    for n in sizes_of(model):
        check_shapes(model, n)


def test_every_weight_learns(model):
    loss_of(model.train(), draw_tokens(model)).backward()
    for name, weight in model.named_parameters():
        assert weight.numel() == 0 or weight.grad.abs().sum() > 0, name


def test_generate_agrees_with_teacher_forcing(model):
    for temperature in (0.0, 0.7):
        check_teacher_forcing(model.decoder, draw_z(64), temperature)


def test_the_decoder_sees_only_what_was_written_before(model):
    if model.config.decoder == "autoregressive":
        for n in sizes_of(model)[-2:]:
            check_order(model.decoder, draw_z(), draw_tokens(model, n=n))


@pytest.mark.parametrize(  # "many" is a mixture with iaf, a guide and a discriminator
    ("options", "tokens"),
    [*zip(("vamp", "sphere", "flow", "planar", "many", "many"), 2 * TOKEN_KINDS, strict=True)],
)
def test_every_option_learns_undefined_transitions(options, tokens):
    shape = {"n": 4, "latent": 8, "hidden": 32, "layers": 1, "token_dropout": 0.0}
    model = make(**shape, options=OPTIONS[options], partial=True, tokens=tokens)
    batch = draw_tokens(model, 8)
    assert (batch == 4).any()
    learn(model, batch, 40, rate=0.04)
    learn(model, batch, 12, rate=0.01)
    found = reconstruction_metrics(model, batch, seeded())
    assert found["exact_from_mu"] > 0.7
    assert found["held_out_reconstruction"] < 3  # at first 4 * 2 * ln 5 = 13 nats
    assert model.guess(draw_z(latent=8)).shape[1] == int(model.config.options.guide)


# --- records ----------------------------------------------------------------------------------


def test_records_of_complete_models_are_those_of_earlier_versions():
    assert "partial" not in record_of(MODEL)
    assert record_of(ModelConfig(partial=True))["partial"] is True
    assert build(ModelConfig, record_of(ModelConfig(partial=True)), "model").partial


@every_kind
def test_complete_models_have_the_weights_of_earlier_versions(tokens):
    complete, partial = (make(tokens=tokens, partial=own).state_dict() for own in (False, True))
    names = vocabulary_size(N, tokens)
    assert complete["encoder.embed.weight"].shape == (names, TINY["embedding"])
    assert complete["decoder.output.weight"].shape == (2 * names, TINY["hidden"])
    assert partial["encoder.embed.weight"].shape == (names + 1, TINY["embedding"])
    assert partial["decoder.output.weight"].shape == (2 * (names + 1), TINY["hidden"])
