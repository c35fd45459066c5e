"""The latent space of a trained model as an object: what a notebook works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from automata.arguments import (
    MAX_SEED,
    check_integer,
    check_number,
    check_path,
    check_workers,
    shown,
)
from automata.automaton import AutomatonLike
from automata.canonical import canonical_forms_of_valid
from automata.classes import Predicate
from automata.deltas import Deltas
from automata.errors import AutomatonError
from automata.row_index import RowIndex
from data.damage import DataError
from data.dataset import Dataset
from data.picture import Picture
from vae import pictures
from vae.axes import fit_axes
from vae.boundary import (
    AutomataLike,
    Interpolation,
    LatentMap,
    Neighbours,
    Posterior,
    Prior,
    as_array,
    as_delta,
    as_deltas,
    as_points,
)
from vae.checkpoint import load_model
from vae.coding import decode_points, draw_prior, encode_automata
from vae.config import PATHS
from vae.directions import THRESHOLD, attribute_direction
from vae.interpolate import interpolate
from vae.model import VAE, ModelConfig
from vae.train import check_size, choose_device
from vae.trained import load_trained, training_folder

ENCODE_DECODE = "encode-decode"
_AT_ONCE = 4096
"""Points decoded at a time."""
_MOST = 10**7
"""Most points that are drawn in a call."""


class LatentSpace:
    """A model, and the automata that it was trained on.

    Automata are `automata.Automaton`, arrays or text, one or many. Points are arrays (points,
    latent), or one point (latent,). What is decoded is an array of states, uint8 (batch, k, n).

    Parameters
    ----------
    model : VAE
        With a latent space.
    training : Dataset or callable, optional
        Or a function that returns it, called when it is needed first.

    Raises
    ------
    DataError
        If the model has no latent space, or the dataset another (n, k).
    """

    def __init__(self, model: VAE, training: Dataset | Callable[[], Dataset] | None = None) -> None:
        if not isinstance(model, VAE):
            raise DataError(f"{shown(model)} is not a model")
        if model.config.latent == 0:
            raise DataError("the model has no latent space: it is a decoder alone")
        self.model = model.eval()
        self._given = training
        if training is not None and not callable(training):
            self._check(training)
        self._device = next(model.parameters()).device

    @classmethod
    def load(
        cls,
        folder: Path | str,
        data: Path | str | None = None,
        *,
        device: torch.device | str = "cpu",
        workers: int = 1,
        build: Callable[[ModelConfig], VAE] = VAE,
    ) -> LatentSpace:
        """Load a model folder of ``train``; its dataset is read when it is needed first.

        Parameters
        ----------
        folder : Path or str
        data : Path or str, optional
            The dataset folder. Default: the one that the model was trained on.
        device : torch.device or str
        workers : int
            Threads that check the dataset.
        build : callable
            Makes the untrained model of a config, as in `vae.train.train`.

        Raises
        ------
        DataError
            If the model is missing or damaged, or has no latent space.
        ValueError
            If another argument is not of its kind.
        """
        model = check_path("folder", folder)
        given = None if data is None else check_path("data", data)
        target, workers = choose_device(device), check_workers(workers)
        if not callable(build):
            raise ValueError(f"build={shown(build)} is not a function")

        def training() -> Dataset:
            place = training_folder(model) if given is None else given
            return load_trained(model, place, target, workers, build)[1]

        return cls(load_model(model, build).to(target), training)

    @property
    def n(self) -> int:
        """Number of states; the most, for a model of any size."""
        return self.model.config.n

    @property
    def k(self) -> int:
        """Number of letters."""
        return self.model.config.k

    @property
    def latent(self) -> int:
        """Number of dimensions."""
        return self.model.config.latent

    @cached_property
    def training(self) -> Dataset:
        """The automata that the model was trained on.

        Raises
        ------
        DataError
            If there are none, or they are missing, damaged or others.
        """
        if self._given is None:
            raise DataError("this latent space was made without a training set")
        return self._check(self._given() if callable(self._given) else self._given)

    def __repr__(self) -> str:
        return f"LatentSpace(n={self.n}, k={self.k}, latent={self.latent})"

    # --- automata <-> points ---------------------------------------------------------------------

    def encode(self, automata: AutomataLike) -> Posterior:
        """Return the posterior of automata, each encoded in its canonical form.

        Raises
        ------
        AutomatonError
            If they are not complete automata, or not of the model's size.
        """
        posterior = encode_automata(self.model, as_deltas(automata, self.model.config))
        return Posterior(as_array(posterior.mu), as_array(posterior.log_sigma.exp()))

    def decode(
        self, z: npt.ArrayLike, *, n: int | None = None, temperature: float = 0.0, seed: int = 0
    ) -> Deltas:
        """Return the automata of points; nothing is repaired, so some may not synchronize.

        Parameters
        ----------
        z : float array, shape (points, latent) or (latent,)
        n : int, optional
            Number of states, for a model of any size. Default: the most.
        temperature : float
            0 decodes the most probable automaton; a higher one samples.
        seed : int
            Of the samples.

        Returns
        -------
        uint8 array, shape (points, k, n)

        Raises
        ------
        NotFiniteError
            If a point is not finite.
        ValueError
            If the points have another shape, or a number is outside its range.
        """
        size = None if n is None else check_integer("n", n)
        generator = self._generator(seed)
        parts = [
            decode_points(self.model, part, n=size, temperature=temperature, generator=generator)
            for part in self.as_points(z).split(_AT_ONCE)
        ]
        return np.concatenate([part.deltas for part in parts])

    def reconstruct(self, automata: AutomataLike) -> Deltas:
        """Return what the posterior means of automata decode to: uint8 (batch, k, n).

        Compare it with the canonical forms, ``Automaton.canonical``: these are what is encoded.
        """
        deltas = as_deltas(automata, self.model.config)
        mu = as_array(encode_automata(self.model, deltas).mu)
        return self.decode(mu, n=deltas.shape[2])

    def draw(self, count: int, *, prior: Prior | None = None, seed: int = 0) -> npt.NDArray[Any]:
        """Return points of the model's prior, or of your own: float32 (count, latent)."""
        count = check_integer("count", count, 0, _MOST)
        if prior is None:
            return as_array(draw_prior(self.model, count, self._generator(seed)))
        if not callable(prior):
            raise ValueError(f"prior={shown(prior)} is not a function of a generator and a count")
        rng = np.random.default_rng(check_integer("seed", seed, 0))
        points = self.as_points(prior(rng, count))
        if len(points) != count:
            raise ValueError(f"the prior returns {len(points)} points, not {count}")
        return as_array(points)

    def sample(
        self,
        count: int,
        *,
        prior: Prior | None = None,
        n: int | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> Deltas:
        """Return automata decoded from points of the prior: uint8 (count, k, n).

        The parameters are those of `draw` and `decode`.
        """
        z = self.draw(count, prior=prior, seed=seed)
        return self.decode(z, n=n, temperature=temperature, seed=seed)

    def interpolate(
        self, a: Any, b: Any, *, path: str = "polar", steps: int = 14, seed: int = 0
    ) -> Interpolation:
        """Return the automata along the path between two automata, both ends included.

        Parameters
        ----------
        a, b : Automaton, array or text; or a float array, shape (latent,)
            An automaton stands for its posterior mean. Both have one size.
        path : str
            ``linear``, ``polar``, ``great-circle``; or ``encode-decode``: each automaton of the
            polar path is encoded again, and a sample of its posterior decoded.
        steps : int
            At least 2.
        seed : int
            Of the samples of ``encode-decode``.
        """
        steps, generator = check_integer("steps", steps, 2, 10**6), self._generator(seed)
        ends, n = self._ends(a, b)
        alpha = torch.linspace(1, 0, steps, dtype=torch.float64)
        first, second = (end.expand(steps, -1) for end in ends)
        known = *PATHS, ENCODE_DECODE
        if not isinstance(path, str) or path not in known:
            raise ValueError(f"unknown path {shown(path)}: one of {', '.join(known)}")
        rounds = path == ENCODE_DECODE
        z = interpolate(
            "polar" if rounds else path, first, second, alpha.to(first),
            sphere=self.model.config.spherical,
        )  # fmt: skip
        if rounds:
            posterior = encode_automata(self.model, self.decode(as_array(z), n=n))
            z = posterior.sample(generator)
        return Interpolation(alpha.numpy(), as_array(z), self.decode(as_array(z), n=n))

    # --- the training set in the latent space ----------------------------------------------------

    @cached_property
    def means(self) -> npt.NDArray[np.float32]:
        """Posterior means of the training automata: float32 (rows, latent)."""
        return as_array(encode_automata(self.model, self.training.deltas).mu)

    def is_known(self, automata: AutomataLike) -> npt.NDArray[np.bool_]:
        """Return which automata are in the training set, up to isomorphism: bool (batch,)."""
        deltas = as_deltas(automata, self.model.config)
        if deltas.shape[2] != self.training.n:
            return np.zeros(len(deltas), np.bool_)
        known: npt.NDArray[np.bool_] = self._known.find(canonical_forms_of_valid(deltas)) >= 0
        return known

    def neighbours(self, automaton: AutomatonLike, count: int = 8) -> Neighbours:
        """Return the training automata whose posterior means are nearest, but for itself."""
        count = check_integer("count", count, 0)
        deltas = as_delta(automaton, self.model.config)
        distances = np.linalg.norm(self.means - self.encode(deltas).mu, axis=1)
        if deltas.shape[2] == self.training.n:
            own = self._known.find(canonical_forms_of_valid(deltas))
            distances[own[own >= 0]] = np.inf
        nearest = np.argsort(distances, kind="stable")[:count]
        nearest = nearest[np.isfinite(distances[nearest])]
        rows = self.training.take(nearest)
        return Neighbours(rows.deltas, rows.reset_thresholds, distances[nearest])

    def neighbourhood(
        self, automaton: AutomatonLike, count: int = 8, *, spread: float = 1.0, seed: int = 0
    ) -> Deltas:
        """Return automata decoded from samples of one's posterior: uint8 (count, k, n).

        Parameters
        ----------
        automaton : Automaton, array of int, shape (k, n), or text
        count : int
        spread : float
            Width, in standard deviations of the posterior.
        seed : int
        """
        count, spread = check_integer("count", count, 0, _MOST), check_number("spread", spread, 0)
        deltas = as_delta(automaton, self.model.config)
        posterior = encode_automata(self.model, deltas.repeat(count, axis=0))
        z = posterior.sample(self._generator(seed), spread)
        return self.decode(as_array(z), n=deltas.shape[2])

    def direction(self, attribute: str | Predicate, *, workers: int = 1) -> npt.NDArray[np.float32]:
        """Return the direction of an attribute: float32 (latent,).

        It leads from the mean of the training automata without the attribute to the mean of those
        with it. Add it to a point, and decode: whether the automaton gains the attribute is to be
        checked, never assumed. See `vae.directions.attribute_direction`.
        """
        return attribute_direction(self.means, self.training, attribute, workers=workers)

    def map(self) -> LatentMap:
        """Return the training automata on the two principal axes of their posterior means."""
        axes, data = fit_axes(self.means), self.training
        return LatentMap(axes.project(self.means), data.deltas, data.reset_thresholds, axes)

    # --- pictures: see vae.pictures --------------------------------------------------------------

    def plot_reconstructions(self, automata: AutomataLike | None = None) -> Picture:
        """Draw automata and their reconstructions; by default six slow training automata."""
        return pictures.draw_reconstructions(self, automata)

    def plot_paths(
        self,
        a: AutomatonLike,
        b: AutomatonLike,
        paths: Sequence[str] = ("linear", "polar", ENCODE_DECODE),
        *,
        steps: int = 7,
        seed: int = 0,
    ) -> Picture:
        """Draw the automata along paths between two, which stand at the ends."""
        return pictures.draw_paths(self, a, b, paths, steps, seed)

    def plot_samples(
        self, count: int = 12, *, prior: Prior | None = None, seed: int = 0
    ) -> Picture:
        """Draw automata decoded from points of the prior, or of your own."""
        return pictures.draw_samples(self, count, prior, seed)

    def plot_neighbours(self, automaton: AutomatonLike, count: int = 6) -> Picture:
        """Draw an automaton, and the training automata nearest to it with their distances."""
        return pictures.draw_neighbours(self, automaton, count)

    def plot_direction(
        self,
        attribute: str | Predicate,
        automaton: AutomatonLike | None = None,
        *,
        reach: float = 2.0,
        steps: int = 7,
    ) -> Picture:
        """Draw what is decoded along the direction of an attribute, through an automaton.

        Parameters
        ----------
        attribute : str or callable
            As `direction`.
        automaton : Automaton, array of int, shape (k, n), or text
            Default: a slow training automaton.
        reach : float
            The steps go from -reach to reach times the direction.
        steps : int
        """
        return pictures.draw_direction(self, attribute, automaton, reach, steps)

    def plot_norms(self, *, seed: int = 0) -> Picture:
        """Draw the soap bubble: the norms of prior samples, encoded data and points of paths."""
        return pictures.draw_soap_bubble(self, seed)

    def plot_map(self, color: str | Predicate = THRESHOLD, *, points: Any = None) -> Picture:
        """Draw the map of the training automata.

        Parameters
        ----------
        color : str or callable
            ``threshold``, or a class as `direction` takes it: its automata stand out.
        points : float array, shape (points, latent), optional
            Such as those of a path: a line on the map.
        """
        return pictures.draw_map(self, color, points)

    def plot_manifold(self, side: int = 7) -> Picture:
        """Draw the automata decoded on a grid in the plane of the two principal axes."""
        return pictures.draw_manifold(self, side)

    # --- within ----------------------------------------------------------------------------------

    @cached_property
    def _known(self) -> RowIndex:
        """The canonical forms of the training set, numbered by row."""
        index = RowIndex(self.training.n * self.training.k)
        index.add(self.training.forms)
        return index

    def _check(self, training: Dataset) -> Dataset:
        if not isinstance(training, Dataset):
            raise DataError(f"{shown(training)} is not a Dataset")
        check_size(training, self.model.config)
        return training

    def _generator(self, seed: int) -> torch.Generator:
        generator = torch.Generator(self._device)
        return generator.manual_seed(check_integer("seed", seed, 0, MAX_SEED))

    def as_points(self, z: npt.ArrayLike) -> Tensor:
        """Return points as a tensor (points, latent) on the model's device."""
        return as_points(z, self.latent).to(self._device)

    def _ends(self, a: Any, b: Any) -> tuple[tuple[Tensor, Tensor], int]:
        """Return the points of the ends of a path, (1, latent) each, and the number of states."""
        sizes, ends = [], []
        for end in (a, b):
            if isinstance(end, np.ndarray) and end.ndim == 1 and end.dtype.kind == "f":
                ends.append(self.as_points(end))
                continue
            deltas = as_delta(end, self.model.config)
            sizes.append(deltas.shape[2])
            ends.append(encode_automata(self.model, deltas).mu)
        if len({*sizes}) > 1:
            raise AutomatonError(f"the ends of a path have one size, got n={sizes[0]}, {sizes[1]}")
        return (ends[0], ends[1]), sizes[0] if sizes else self.n
