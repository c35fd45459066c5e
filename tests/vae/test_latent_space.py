"""The latent space as an object: as the commands see it, and one clear line for what is wrong."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import pipeline
import vae
from automata import Automaton, AutomatonError, canonical_forms, format_delta, in_classes
from automata.numbering import random_numberings
from data.damage import DataError
from data.dataset import Dataset, read_dataset
from data.plots import chi_density
from data.streams import stream
from search.arms.modes import Proposer, parent_rows
from search.configs import LatentConfig
from tests.vae.models import OPTIONS, make
from vae import LatentSpace
from vae.boundary import as_deltas
from vae.checkpoint import load_model
from vae.model import VAE, Decoded, ModelConfig, NotFiniteError

pytestmark = pytest.mark.usefixtures("unrendered")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small dataset and a model, made by the commands; not to be changed."""
    place = tmp_path_factory.mktemp("space")
    lines = f"""
        generate -n 5 --count 400 --sampler evolved --calls 4000 --out {place}/data --workers 1
        train --data {place}/data --out {place}/model --epochs 4 --batch 64 --latent 6 --hidden 32
            --channels 16 --convolutions 1 --workers 1
    """
    for line in lines.replace("\n            ", " ").strip().splitlines():
        answer = CliRunner().invoke(pipeline.cli, line.split(), catch_exceptions=False)
        assert answer.exit_code == 0, answer.output
    return place


@pytest.fixture(scope="module")
def space(folder: Path) -> LatentSpace:
    return LatentSpace.load(folder / "model")


@pytest.fixture(scope="module")
def any_size() -> LatentSpace:
    """An untrained model of any size up to 6."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = VAE(ModelConfig(n=6, k=2, any_size=True, latent=3, hidden=8, channels=8))
        for weight in model.parameters():
            if not weight.any():
                torch.nn.init.normal_(weight)
    return LatentSpace(model)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_of_the_model(folder: Path, name: str) -> None:
    data = read_dataset(folder / "data")
    space = LatentSpace(make(n=data.n, latent=4, options=OPTIONS[name]), data)
    one, other = Automaton(data.deltas[0]), Automaton(data.deltas[1])
    assert space.encode(one).mu.shape == space.encode(one).sigma.shape == (1, 4)
    assert space.sample(6).shape == (6, 2, 5)
    assert space.neighbourhood(one, 6).shape == (6, 2, 5)
    assert space.interpolate(one, other, path="encode-decode", steps=5).z.shape == (5, 4)
    assert space.neighbours(one, 3).deltas.shape == (3, 2, 5)
    assert np.isfinite(space.direction("threshold")).all()
    for picture in (space.plot_norms(), space.plot_manifold(3), space.plot_samples(4)):
        assert picture.svg


def proposer(space: LatentSpace, **settings: Any) -> Proposer:
    config = LatentConfig(parents=50, batch=64, repair=0, **settings)
    data = space.training
    return Proposer(space.model, data, parent_rows(data, 50), config, stream(0, "search"))


# --- against the commands -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["prior", "polar", "linear", "great-circle", "neighbourhood"])
def test_a_search_proposes_what_the_space_decodes(space: LatentSpace, mode: str) -> None:
    [proposals] = next(proposer(space).propose(mode))
    again = proposer(space)
    draw = {"prior": again.draw_prior, "neighbourhood": again.draw_neighbourhood}
    points = draw.get(mode, lambda: again.draw_path(mode))()
    assert np.array_equal(space.decode(points.z.numpy()), proposals.deltas)


def test_the_parents_of_a_search_are_encoded_as_the_space_does(space: LatentSpace) -> None:
    own = proposer(space)
    encoded = space.encode(space.training.deltas[own.parents])
    assert np.array_equal(encoded.mu, own.posterior.mu.numpy())
    np.testing.assert_allclose(encoded.sigma, own.posterior.log_sigma.exp().numpy())
    np.testing.assert_allclose(encoded.mu, space.means[own.parents], atol=1e-6)


def test_the_ends_and_the_middle_of_paths_are_those_of_a_search(space: LatentSpace) -> None:
    a, b = space.training.deltas[:2]
    first, second = space.encode([a, b]).mu
    for path, middle in [
        ("linear", (first + second) / 2),
        ("polar", (first + second) / 2**0.5),
    ]:
        found = space.interpolate(a, b, path=path, steps=3)
        np.testing.assert_allclose(found.z, [first, middle, second], atol=1e-6)
        assert found.alpha.tolist() == [1, 0.5, 0]
        assert np.array_equal(found.deltas, space.decode(found.z))
    assert len(space.interpolate(a, b).z) == 14
    points = space.interpolate(first, second).z  # points are ends too
    np.testing.assert_allclose(points, space.interpolate(a, b).z, atol=1e-6)


def test_evaluate_counts_the_same_reconstructions(folder: Path, space: LatentSpace) -> None:
    held_out = space.training.split(0.05)[1].deltas
    exact = (space.reconstruct(held_out) == held_out).all((1, 2)).mean()
    words = ["evaluate", "--model", str(folder / "model"), "--workers", "1"]
    answer = CliRunner().invoke(pipeline.cli, words, catch_exceptions=False)
    [measured] = re.findall(r"exact from mu: (\S+)", answer.output)
    assert float(measured) == pytest.approx(exact, abs=1e-3)


# --- automata and points --------------------------------------------------------------------------


def test_automata_may_be_objects_arrays_or_texts(space: LatentSpace) -> None:
    delta = space.training.deltas[0]
    text, one = format_delta(delta), Automaton(delta)
    expected = space.encode(space.training.deltas[:1])
    for given in (text, one, delta, delta.tolist(), [text], [one], (one,), delta[None]):
        encoded = space.encode(given)
        assert np.array_equal(encoded.mu, expected.mu)
        assert encoded.sigma.shape == (1, 6) and (encoded.sigma > 0).all()
    three = space.encode([one, text, delta]).mu  # the last bits depend on the size of the batch
    np.testing.assert_allclose(three, expected.mu.repeat(3, 0), atol=1e-6)


def test_names_of_states_and_letters_change_nothing(space: LatentSpace) -> None:
    deltas = space.training.deltas[:40]
    renamed = random_numberings(np.random.default_rng(1), deltas)[:, ::-1]
    assert not np.array_equal(renamed, deltas)
    assert np.array_equal(space.encode(renamed).mu, space.encode(deltas).mu)
    assert np.array_equal(space.reconstruct(renamed), space.reconstruct(deltas))
    assert space.is_known(renamed).all()


def test_samples_follow_their_seed_and_their_prior(space: LatentSpace) -> None:
    drawn = space.draw(4000, seed=1)
    assert drawn.dtype == np.float32 and drawn.shape == (4000, 6)
    assert abs(drawn.mean()) < 0.03 and abs(drawn.std() - 1) < 0.03
    assert np.array_equal(space.sample(50, seed=1), space.decode(space.draw(50, seed=1)))
    assert not np.array_equal(space.draw(9, seed=1), space.draw(9, seed=2))
    middle = space.sample(5, prior=lambda rng, count: np.zeros((count, 6)))
    assert np.array_equal(middle, space.decode(np.zeros(6)).repeat(5, 0))
    warm = [space.sample(60, temperature=2.0, seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(warm[0], warm[1]) and not np.array_equal(warm[0], warm[2])
    assert space.sample(0).shape == (0, 2, 5)


def test_many_points_are_decoded_as_few_are(
    space: LatentSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    z = space.draw(100)
    whole = space.decode(z)
    monkeypatch.setattr("vae.latent_space._AT_ONCE", 7)
    assert np.array_equal(space.decode(z), whole)


def test_encode_decode_repeats_with_its_seed(space: LatentSpace) -> None:
    a, b = space.training.deltas[:2]
    found = [space.interpolate(a, b, path="encode-decode", seed=seed) for seed in (1, 1, 2)]
    assert np.array_equal(found[0].z, found[1].z) and not np.array_equal(found[0].z, found[2].z)
    assert found[0].deltas.shape == (14, 2, 5)


def test_every_size_of_a_model_of_any_size(any_size: LatentSpace) -> None:
    for n in range(1, 7):
        deltas = any_size.sample(5, n=n)
        assert deltas.shape == (5, 2, n)
        assert any_size.reconstruct(deltas).shape == (5, 2, n)
        assert any_size.neighbourhood(deltas[0], 3).shape == (3, 2, n)
        assert any_size.interpolate(deltas[0], deltas[1], steps=4).deltas.shape == (4, 2, n)
    with one_line(ValueError, "n=7 is not a size"):
        any_size.sample(5, n=7)
    with one_line(AutomatonError, "n=7, k=2, but the model has n=1..6, k=2"):
        any_size.encode("1 2 3 4 5 6 0|0 0 2 3 4 5 6")
    with one_line(AutomatonError, "the ends of a path have one size, got n=2, 3"):
        any_size.interpolate("1 0|0 0", "1 2 0|0 0 2")


# --- the training set -----------------------------------------------------------------------------


def test_neighbours_are_the_nearest_and_others(space: LatentSpace) -> None:
    own = space.training.deltas[3]
    found = space.neighbours(own, 7)
    distances = np.linalg.norm(space.means - space.means[3], axis=1)
    expected = np.delete(np.argsort(distances, kind="stable"), 0)[:7]
    assert np.array_equal(found.deltas, space.training.deltas[expected])
    assert np.array_equal(found.reset_thresholds, space.training.reset_thresholds[expected])
    assert np.array_equal(found.distances, np.sort(found.distances))
    assert len(space.neighbours(own, 10**6).deltas) == len(space.training) - 1


def test_the_neighbourhood_without_width_is_the_reconstruction(space: LatentSpace) -> None:
    own = space.training.deltas[3]
    assert np.array_equal(
        space.neighbourhood(own, 4, spread=0), space.reconstruct(own).repeat(4, 0)
    )
    assert len(np.unique(space.neighbourhood(own, 60, spread=20), axis=0)) > 1


def few_loops(deltas: np.ndarray) -> np.ndarray:
    """At most one transition leads a state to itself."""
    return np.asarray((deltas == np.arange(deltas.shape[2])).sum((1, 2)) <= 1)


def test_directions_are_differences_of_means(space: LatentSpace) -> None:
    for attribute in ("strongly-connected", few_loops):
        inside = in_classes(space.training.deltas, [attribute])
        expected = space.means[inside].mean(0) - space.means[~inside].mean(0)
        np.testing.assert_allclose(space.direction(attribute), expected, atol=1e-6)
    np.testing.assert_allclose(space.direction("not-sink"), -space.direction("sink"), atol=1e-6)
    thresholds = space.training.reset_thresholds
    low, high = np.quantile(thresholds, [0.25, 0.75])
    slow, fast = space.means[thresholds >= high], space.means[thresholds <= low]
    np.testing.assert_allclose(space.direction("threshold"), slow.mean(0) - fast.mean(0), atol=1e-6)


def test_the_map_has_the_axes_of_the_data(space: LatentSpace) -> None:
    found = space.map()
    covariance = np.cov(space.means.T, bias=True)
    values = np.linalg.eigvalsh(covariance)[::-1]
    np.testing.assert_allclose(found.axes.spreads, np.sqrt(values[:2]), rtol=1e-4)
    np.testing.assert_allclose(found.axes.shares, values / values.sum(), rtol=1e-4)
    np.testing.assert_allclose(found.places.var(0), values[:2], rtol=1e-4)
    np.testing.assert_allclose(found.axes.project(space.means), found.places)
    lifted = found.axes.lift(found.places)
    np.testing.assert_allclose(found.axes.project(lifted), found.places, atol=1e-6)


# --- what is wrong --------------------------------------------------------------------------------


def one_line(kind: type[Exception], message: str) -> Any:
    return pytest.raises(kind, match=f"^[^\n]*{message}[^\n]*$")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("1 2 0|0 1 0", "n=3, k=2, but the model has n=5, k=2"),
        ("1 2 3 4 0", "n=5, k=1, but the model has n=5, k=2"),
        (np.zeros((4, 3, 5), int), "n=5, k=3, but the model has n=5, k=2"),
        ("1 2 3 4 5|0 0 0 0 0", "letter 0, state 4: '5' is outside 0..4"),
        (np.full((2, 5), np.nan), "states are integers"),
        (np.full((2, 5), 0.5), "states are integers"),
        (np.full((2, 2, 5), 9), "automaton 0, letter 0, state 0 leads to 9"),
        (np.full((2, 5), -1), "leads to -1"),
        ([["1 2 3 4 0|0 0 0 0 0"]], ""),
        (["1 2 3 4 0|0 0 0 0 0", "1 0|0 0"], "automaton 1 has n=2, k=2"),
        ([], "an empty table"), (np.zeros((2, 2, 2, 5), int), "shape"),
        ("", ""), (None, ""), (7, "shape"), ("sink", ""),
    ],
)  # fmt: skip
def test_what_is_no_automaton_of_the_model(space: LatentSpace, given: Any, message: str) -> None:
    for take in (space.encode, space.reconstruct, space.is_known, space.neighbours):
        with one_line(AutomatonError, message):
            take(given)
    with one_line(AutomatonError, message):
        space.interpolate(given, space.training.deltas[0])


@pytest.mark.parametrize("count", [0, 2])
@pytest.mark.parametrize(
    "call",
    [
        lambda space, many, one: space.neighbours(many, 3),
        lambda space, many, one: space.neighbourhood(many, 5),
        lambda space, many, one: space.interpolate(many, one),
        lambda space, many, one: space.interpolate(one, many),
        lambda space, many, one: space.plot_neighbours(many, 3),
        lambda space, many, one: space.plot_paths(many, one),
        lambda space, many, one: space.plot_paths(one, many),
        lambda space, many, one: space.plot_direction("sink", many),
    ],
)
def test_where_one_automaton_is_wanted(
    space: LatentSpace, call: Callable[..., object], count: int
) -> None:
    deltas = space.training.deltas
    with one_line(AutomatonError, f"one automaton is wanted, got {count}"):
        call(space, deltas[:count], deltas[5])
    call(space, [format_delta(deltas[0])], deltas[5])  # a list of one is one


@pytest.mark.parametrize(
    ("z", "kind", "message"),
    [
        (np.zeros((3, 5)), ValueError, r"points have shape \(3, 5\), not \(points, 6\)"),
        (np.zeros((1, 3, 6)), ValueError, "points have shape"),
        (0.5, ValueError, "points have shape"),
        ([[0, 1], [0]], ValueError, "points are no array"),
        ("0 0 0 0 0 0", ValueError, "points are numbers, got entries of type"),
        (np.zeros(6, complex), ValueError, "points are numbers"),
        (np.array([None] * 6), ValueError, "points are numbers"),
        (np.zeros((2, 6)) + [[0], [np.nan]], NotFiniteError, "point 1 of 2 is not finite"),
        (np.full(6, np.inf), NotFiniteError, "point 0 of 1 is not finite"),
        (np.full(6, 1e300), NotFiniteError, "point 0 of 1 is not finite"),
    ],
)
def test_what_is_no_point(space: LatentSpace, z: Any, kind: type[Exception], message: str) -> None:
    with one_line(kind, message):
        space.decode(z)
    with one_line(kind, message):
        space.draw(len(np.atleast_2d(np.array(z, object))), prior=lambda rng, count: z)
    with one_line(kind, message):
        space.plot_map(points=z)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda space, a: space.decode(np.zeros(6), n=4), "n=4 is not a size of this model"),
        (lambda space, a: space.decode(np.zeros(6), n=2.5), "n=2.5 is not an integer"),
        (lambda space, a: space.decode(np.zeros(6), temperature=-1), "temperature=-1"),
        (lambda space, a: space.decode(np.zeros(6), temperature=np.nan), "temperature=nan"),
        (lambda space, a: space.decode(np.zeros(6), seed=-1), "seed=-1"),
        (lambda space, a: space.sample(-1), "count=-1"),
        (lambda space, a: space.sample(2.5), "count=2.5"),
        (lambda space, a: space.sample(3, prior=lambda rng, count: np.zeros((2, 6))),
         "the prior returns 2 points, not 3"),
        (lambda space, a: space.sample(3, prior="vamp"), "prior='vamp' is not a function"),
        (lambda space, a: space.draw(3, prior=7), "prior=7 is not a function"),
        (lambda space, a: space.plot_samples(prior="x"), "prior='x' is not a function"),
        (lambda space, a: space.sample(3, prior=lambda rng, count: None), "points are numbers"),
        (lambda space, a: space.draw(10**12), "count=1000000000000 is not in 0..10000000"),
        (lambda space, a: space.neighbourhood(a, 10**12), "count=1000000000000 is not in"),
        (lambda space, a: space.interpolate(a, a, path="curly"), "unknown path 'curly': one of"),
        (lambda space, a: space.interpolate(a, a, path=None), "unknown path None: one of"),
        (lambda space, a: space.interpolate(a, a, path=np.ones(2)), "unknown path array"),
        (lambda space, a: space.plot_paths(a, a, []), r"paths=\[\] names no path"),
        (lambda space, a: space.plot_paths(a, a, ""), "unknown path ''"),
        (lambda space, a: space.plot_paths(a, a, None), "paths=None names no path"),
        (lambda space, a: space.plot_paths(a, a, [None]), "unknown path None"),
        (lambda space, a: space.plot_paths(a, a, steps=10**5), "steps=100000 is not in 2..1000"),
        (lambda space, a: space.interpolate(a, a, steps=1), "steps=1"),
        (lambda space, a: space.interpolate(a, a, path="linear", seed=None), "seed=None"),
        (lambda space, a: space.interpolate(a, np.full(6, np.nan)), "point 0 of"),
        (lambda space, a: space.neighbours(a, -1), "count=-1"),
        (lambda space, a: space.neighbourhood(a, spread=np.inf), "spread=inf"),
        (lambda space, a: space.direction("curly"), "unknown class 'curly'"),
        (lambda space, a: space.direction(None), "unknown class None"),
        (lambda space, a: space.direction(""), "unknown class ''"),
        (lambda space, a: space.direction(["sink"]), r"unknown class \['sink'\]"),
        (lambda space, a: space.direction(np.ones(2)), "unknown class array"),
        (lambda space, a: space.plot_map(None), "unknown class None"),
        (lambda space, a: space.plot_map(np.ones(2)), "unknown class array"),
        (lambda space, a: space.plot_map(points=[]), "points have shape"),
        (lambda space, a: space.plot_direction(None), "unknown class None"),
        (lambda space, a: space.plot_direction(np.ones(2)), "unknown class array"),
        (lambda space, a: space.direction(lambda deltas: deltas), "returns uint8 of shape"),
        (lambda space, a: space.direction(lambda deltas: np.ones(len(deltas), bool)),
         "400 of 400 training automata have the attribute"),
        (lambda space, a: space.direction("not-synchronizing"), "0 of 400 training automata"),
        (lambda space, a: space.plot_manifold(0), "side=0"),
        (lambda space, a: space.plot_samples(0), "count=0"),
        (lambda space, a: space.plot_neighbours(a, 10**5), "count=100000 is not in 0..1000"),
        (lambda space, a: space.plot_reconstructions(a[None][:0]), "automata=0 is not in 1..1000"),
        (lambda space, a: space.plot_direction("sink", steps=1), "steps=1"),
        (lambda space, a: space.plot_direction("sink", reach=np.nan), "reach=nan"),
        (lambda space, a: space.plot_direction("sink", reach=1e308), "reach=1e"),
    ],
)  # fmt: skip
def test_arguments_that_are_wrong(
    space: LatentSpace, call: Callable[[LatentSpace, np.ndarray], object], message: str
) -> None:
    with one_line(ValueError, message):
        call(space, space.training.deltas[0])


def test_models_and_datasets_that_do_not_fit(folder: Path, tmp_path: Path) -> None:
    with one_line(DataError, "no latent space"):
        LatentSpace(VAE(ModelConfig(n=4, k=2, any_size=True, latent=0)))
    with one_line(DataError, "None is not a model"):
        LatentSpace(None)  # type: ignore[arg-type]
    with one_line(DataError, "none: no such folder"):
        LatentSpace.load(tmp_path / "none")
    for wrong, shown in [({"folder": None}, "folder=None"), ({"data": 7}, "data=7")]:
        with one_line(ValueError, f"{shown} is not a path"):
            LatentSpace.load(**({"folder": folder / "model"} | wrong))
    with one_line(ValueError, "workers=0 is not at least 1"):
        LatentSpace.load(folder / "model", workers=0)
    with one_line(ValueError, "build=None is not a function"):
        LatentSpace.load(folder / "model", build=None)  # type: ignore[arg-type]
    with one_line(DataError, "not a model folder"):
        LatentSpace.load(folder / "data")
    alone = LatentSpace(load_model(folder / "model"))
    with one_line(DataError, "without a training set"):
        alone.map()
    without = LatentSpace.load(folder / "model", tmp_path / "none")
    assert without.sample(3).shape == (3, 2, 5)  # the dataset is read when it is needed
    with one_line(DataError, "none: no such folder"):
        without.neighbours(without.sample(1)[0])
    data = read_dataset(folder / "data")
    other = Dataset(data.deltas[:, :1], data.reset_thresholds, data.sources)
    with one_line(DataError, "data with n=5, k=1 for a model of n=5, k=2"):
        LatentSpace(load_model(folder / "model"), other)
    with one_line(DataError, "data with n=5, k=1 for a model of n=5, k=2"):
        LatentSpace(load_model(folder / "model"), lambda: other).map()
    for no_data in ("data", lambda: "data"):
        with one_line(DataError, "'data' is not a Dataset"):
            LatentSpace(load_model(folder / "model"), no_data).map()  # type: ignore[arg-type]


def test_what_is_returned_is_the_caller_s_own(space: LatentSpace) -> None:
    given = space.training.deltas[:3].copy()
    copied = as_deltas(given, space.model.config)
    copied[:] = 0
    assert given.any()
    z = space.draw(4)
    before = space.decode(z)
    space.as_points(z)[:] = 0
    assert np.array_equal(space.decode(z), before)


# --- pictures -------------------------------------------------------------------------------------


def words(picture: Any) -> str:
    """All texts of a picture, which must be one well-formed SVG."""
    root = ElementTree.fromstring(picture.svg)  # noqa: S314 - our own
    assert root.tag.endswith("svg")
    assert picture._repr_mimebundle_()["image/svg+xml"] == picture.svg
    return " ".join("".join(root.itertext()).split())


def test_pictures_of_automata(space: LatentSpace, tmp_path: Path) -> None:
    a, b = space.training.deltas[:2]
    shown = words(space.plot_reconstructions([a, b]))
    assert "original" in shown and "reconstruction" in shown
    picture = space.plot_paths(a, format_delta(b), steps=5)
    assert all(path in words(picture) for path in ("linear", "polar", "encode-decode"))
    assert picture.svg.count("<rect") >= 15
    assert "great-circle" in words(space.plot_paths(a, b, "great-circle", steps=3))
    assert "samples" in words(space.plot_samples(7))
    distances = space.neighbours(a, 2).distances
    assert f"at {distances[1]:.2f}" in words(space.plot_neighbours(a, 2))
    assert "few_loops" in words(space.plot_direction(few_loops, a, reach=4))
    assert "threshold" in words(space.plot_direction("threshold"))
    assert "+0" in words(space.plot_manifold(3))
    picture.save(tmp_path / "paths.svg")
    assert (tmp_path / "paths.svg").read_text() == picture.svg
    assert repr(picture) == f"Picture({picture.text!r})"
    assert picture.svg == space.plot_paths(a, b, steps=5).svg  # equal pictures, equal bytes


def test_pictures_of_automata_that_are_few_or_many(space: LatentSpace) -> None:
    a, b = space.training.deltas[:2]
    for picture, count in [
        (space.plot_neighbours(a, 0), 1),
        (space.plot_neighbours(a, 40), 41),
        (space.plot_reconstructions([a]), 2),
        (space.plot_paths(a, b, "linear", steps=14), 14),
        (space.plot_direction("strongly-connected", steps=20), 20),
        (space.plot_manifold(9), 81),
    ]:
        assert picture.svg.count("<svg ") == count + 1
        assert "letter aletter b" in words(picture)
    sizes = re.compile(r'^<svg [^>]* width="(\d+)" height="(\d+)"')
    for many in (space.plot_neighbours(a, 40), space.plot_paths(a, b, steps=40)):
        [(width, height)] = sizes.findall(many.svg)
        assert int(width) < 1500 < 3 * int(height)


def test_pictures_of_clouds(space: LatentSpace) -> None:
    shown = words(space.plot_norms())
    assert "encoded data, mu" in shown and "polar paths" in shown
    shell = float((np.linspace(0, 9, 900) * chi_density(np.linspace(0, 9, 900), 6)).sum() / 100)
    [prior] = re.findall(r"prior samples (\d+\.\d+)", space.plot_norms().text)
    assert float(prior) == pytest.approx(shell, abs=0.1)
    assert "reset threshold" in words(space.plot_map())
    inside = in_classes(space.training.deltas, ["strongly-connected"]).sum()
    path = space.interpolate(*space.training.deltas[:2]).z
    picture = space.plot_map("strongly-connected", points=path)
    assert f"{inside} of 400" in picture.text and "strongly-connected" in words(picture)


@pytest.mark.parametrize("name", ["sphere", "flow", "mixture", "vamp"])
def test_norms_beside_the_prior_of_the_model(folder: Path, name: str) -> None:
    data = read_dataset(folder / "data")
    space = LatentSpace(make(n=data.n, latent=4, options=OPTIONS[name]), data)
    shown = words(space.plot_norms())
    assert "the model's prior" in shown and "chi density" not in shown
    a, b = data.deltas[:2]
    norms = np.linalg.norm(space.interpolate(a, b, path="polar").z, axis=1)
    if name == "sphere":
        np.testing.assert_allclose(norms, 1, rtol=1e-5)
        assert "polar paths 1.00" in space.plot_norms().text


# --- parts of one's own ---------------------------------------------------------------------------


class Fixed(torch.nn.Module):
    """A decoder that always writes one automaton."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.bias = torch.nn.Parameter(torch.zeros(config.n, config.k, config.n))

    def forward(self, z: torch.Tensor, tokens: torch.Tensor, hide: Any = None) -> torch.Tensor:
        return self.bias.expand(len(z), -1, -1, -1)

    def generate(self, z: torch.Tensor, n: int | None = None, **options: Any) -> Decoded:
        logits = self(z, z)
        return Decoded(logits.argmax(3), logits.log_softmax(3))


def with_fixed_decoder(config: ModelConfig) -> VAE:
    model = VAE(config)
    model.decoder = Fixed(config)  # type: ignore[assignment]
    return model


def test_a_model_with_a_decoder_of_one_s_own(folder: Path, tmp_path: Path) -> None:
    from vae.train import TrainConfig, train

    data = read_dataset(folder / "data")
    shape = ModelConfig(n=5, k=2, latent=3, channels=8, hidden=8)
    for epochs in (1, 3):  # the second goes on with the first
        config = TrainConfig(epochs=epochs, batch=64)
        metrics = train(data, tmp_path / "own", shape, config, build=with_fixed_decoder)
    assert len(metrics) == 3
    assert metrics[-1]["held_out_reconstruction"] < metrics[0]["held_out_reconstruction"]
    space = LatentSpace.load(tmp_path / "own", folder / "data", build=with_fixed_decoder)
    assert len(np.unique(canonical_forms(space.sample(20)), axis=0)) == 1
    assert space.is_known(space.training.deltas[:3]).all()
    with one_line(DataError, "not the weights of this model"):
        LatentSpace.load(tmp_path / "own")


# --- what is loaded -------------------------------------------------------------------------------


def test_the_package_loads_torch_when_a_name_is_used() -> None:
    script = "import sys, vae, vae.config\nassert 'LatentSpace' in dir(vae)\n"
    script += "assert 'torch' not in sys.modules\nfrom vae import LatentSpace\n"
    script += "assert 'torch' in sys.modules and 'pandas' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)


def test_public_names() -> None:
    assert {*vae.__all__} == {
        *("LatentSpace", "Posterior", "Interpolation", "Neighbours", "LatentMap"),
    }
    assert all(getattr(vae, name).__doc__ for name in vae.__all__)
