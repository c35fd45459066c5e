"""The latent space of a model of partial automata, from the dataset to what is decoded."""

from pathlib import Path

import numpy as np
import pytest

from automata import UNDEFINED, Automaton, AutomatonError, canonical_forms
from data.damage import DataError
from tests.commands import command
from tests.vae.models import make, make_data
from vae import LatentSpace
from vae.checkpoint import load_model, read_config

pytestmark = pytest.mark.usefixtures("unrendered", "one_thread")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small partial dataset and a model, made by the commands; not to be changed."""
    place = tmp_path_factory.mktemp("partial")
    command(
        f"generate --partial -n 5 --count 300 --sampler evolved --calls 4000 --workers 1 "
        f"--out {place}/data"
    )
    command(
        f"train --data {place}/data --out {place}/model --epochs 4 --batch 64 --latent 6 "
        "--hidden 32 --channels 16 --convolutions 1 --workers 1"
    )
    return place


@pytest.fixture(scope="module")
def space(folder: Path) -> LatentSpace:
    return LatentSpace.load(folder / "model")


def test_a_partial_dataset_makes_a_partial_model(folder: Path) -> None:
    assert read_config(folder / "model")["model"]["partial"] is True
    assert '"partial": true' in (folder / "model" / "config.json").read_text()
    assert load_model(folder / "model").config.partial


def test_automata_are_encoded_whatever_stands_for_undefined(space: LatentSpace) -> None:
    text = "1 2 3 - -|1 1 2 4 0"
    table = [[1, 2, 3, None, None], [1, 1, 2, 4, 0]]
    given = (text, table, Automaton(table), Automaton(table).delta, [text], [table])
    means = [space.encode(own).mu for own in given]
    assert all(np.array_equal(own, means[0]) for own in means)
    other = "0 1 3 2 4|- - 0 1 4"
    assert space.encode(other).mu.shape == (1, 6)
    several = space.encode([text, other, Automaton(table)])
    assert np.allclose(several.mu[0], means[0][0], atol=1e-6)
    assert not np.allclose(several.mu[1], means[0][0])


def test_names_of_states_and_letters_change_nothing(space: LatentSpace) -> None:
    first = Automaton("1 2 3 - -|1 1 2 4 0")
    names = np.array([3, 0, 4, 1, 2])
    other = np.empty_like(first.delta)
    for letter in range(2):
        old = first.delta[1 - letter]
        other[letter, names] = np.where(old == UNDEFINED, UNDEFINED, names[np.minimum(old, 4)])
    assert np.allclose(space.encode(other).mu, space.encode(first).mu, atol=1e-6)


def test_it_decodes_undefined_transitions(space: LatentSpace) -> None:
    deltas = space.sample(200, seed=1, temperature=1.0)
    assert deltas.shape == (200, 2, 5)
    assert ((deltas < 5) | (deltas == UNDEFINED)).all()
    assert (deltas == UNDEFINED).any()
    assert (space.sample(200, seed=1, temperature=1.0) == deltas).all()
    training = space.training
    assert training.partial
    known = space.reconstruct(training.deltas)
    assert known.shape == training.deltas.shape
    assert space.is_known(training.deltas[:20]).all()
    assert not space.is_known("0 0 0 0 0|- - - - -")[0]


@pytest.mark.parametrize("path", ["linear", "polar", "great-circle", "encode-decode"])
def test_paths(space: LatentSpace, path: str) -> None:
    ends = space.training.deltas[[0, -1]]
    found = space.interpolate(*ends, path=path, steps=5)
    assert found.deltas.shape == (5, 2, 5)
    if path != "encode-decode":
        assert np.array_equal(found.deltas[[0, -1]], space.reconstruct(ends))


def test_neighbours_and_the_neighbourhood(space: LatentSpace) -> None:
    own = space.training.deltas[3]
    found = space.neighbours(own, 4)
    forms = canonical_forms(found.deltas)
    assert not (forms == canonical_forms(own[None])).all(axis=1).any()
    assert space.neighbourhood(own, 7).shape == (7, 2, 5)


def test_complete_and_partial_do_not_mix(space: LatentSpace) -> None:
    with pytest.raises(DataError, match="data of complete automata for a model of partial ones"):
        LatentSpace(make(n=5, partial=True), make_data(20, n=5))
    with pytest.raises(DataError, match="data of partial automata for a model of complete ones"):
        LatentSpace(make(n=5), space.training)
    with pytest.raises(AutomatonError, match="letter 0, state 3: '-' is undefined, not complete"):
        LatentSpace(make(n=5)).encode("1 2 3 - -|1 1 2 4 0")
