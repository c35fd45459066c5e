"""The arms under comparison: the sources of each, and the ablations of the arm ``vae``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from automata.deltas import Deltas
from search.arms.cma_es import LEAST_LATENT
from search.discovery import latent_search, leaps
from search.discovery.boost import climbing, sampling
from search.discovery.config import LearnConfig
from search.discovery.editing import edit, editing, editing_from_z
from search.discovery.leaps import LeapContext, Source, without_feedback
from search.discovery.learner import AUTOENCODER, DENOISER, FOLLOWER, TRANSFORMER, Kind

SOURCES: dict[str, Source] = {
    "posterior": without_feedback(leaps.posterior),
    "posterior-sampled": without_feedback(leaps.posterior_sampled),
    "interpolation": without_feedback(leaps.interpolation),
    "encode-decode": without_feedback(leaps.encode_decode),
    "prior": without_feedback(leaps.prior),
    "cooled": without_feedback(leaps.cooled),
    "insertion": without_feedback(leaps.insertion),
    "stretching": leaps.stretching,
    "constructive": without_feedback(leaps.constructive),
    "cma-es": latent_search.cma_es,
    "gradient": latent_search.gradient,
    "arithmetic": latent_search.arithmetic,
    "breeding": without_feedback(leaps.breeding),
    "editing": editing,
    "editing-from-z": editing_from_z,
    "sampling": without_feedback(sampling),
    "climbing": climbing,
}
_LATENT = (
    *("posterior", "posterior-sampled") * 2,
    "interpolation",
    "encode-decode",
    "prior",
)
POLISHING = ("breeding",)
"""The sources that go on from the finds of their own size; the others leap to it."""
UNLEARNED = ("insertion", "stretching", "constructive", *POLISHING)
"""The sources that need no model."""
_MIX = (
    *dict.fromkeys(_LATENT),
    "stretching",
    "insertion",
    "editing",
    "editing-from-z",
    *POLISHING,
)


@dataclass(frozen=True)
class ArmConfig:
    """The settings in which one arm differs from the others."""

    sources: tuple[str, ...] = ()
    """They propose one batch each in turn; none: evolution begins from random automata."""
    mixes: bool = False
    """Whether the shares of the sources follow their finds, instead; see `search.discovery.mix`."""
    alone: int = 0
    """Calls that the sources without a model have in a mix before the models are trained."""
    boosts: bool = False
    """Whether they work in rounds, with training in between; see `search.discovery.boost`."""
    learns: tuple[Kind[Any], ...] = ()
    """The models that it has."""
    least_latent: int = 0
    """Least dimension of the latent space that its sources need."""
    trains: bool = True
    """Whether its models are trained at all: an ablation."""
    retrains: bool = True
    """Whether its models are trained again at each size: an ablation."""
    polishes: bool = True
    """Whether ``evolve`` spends the budget after the first look; else the sources spend all."""
    change: Callable[[LeapContext, Deltas], Deltas] | None = None
    """Makes the children of parents in ``evolve``; None: random changes do."""
    adapt: Callable[[LearnConfig], LearnConfig] = lambda config: config
    """Returns the learning settings of this arm."""


_VAE = ArmConfig(_LATENT, learns=(AUTOENCODER,), least_latent=1)
_EDIT = ArmConfig(("editing",), learns=(DENOISER,))
_ALL = replace(_VAE, sources=_MIX, mixes=True, polishes=False, learns=(AUTOENCODER, FOLLOWER))
_TRAINING = 20_000
"""Calls of ``mix-late`` before a training: about a second at n = 9 to 12."""

ARMS: dict[str, ArmConfig] = {
    "evolve": ArmConfig(),
    "insertion": ArmConfig(("insertion",)),
    "stretch": ArmConfig(("stretching",)),
    "constructive": ArmConfig(("constructive",)),
    "vae": _VAE,
    "vae+insertion": replace(_VAE, sources=(*_LATENT, *("insertion",) * 2)),
    "mix": _ALL,
    "mix-late": replace(_ALL, alone=_TRAINING),
    "rules": ArmConfig(
        tuple(name for name in _MIX if name in UNLEARNED), mixes=True, polishes=False
    ),
    "sequence": ArmConfig(
        ("prior", "cooled"), learns=(AUTOENCODER,), adapt=lambda config: replace(config, latent=0)
    ),
    "edit": _EDIT,
    "edit+vae": replace(
        _EDIT, sources=("editing", "editing-from-z"), learns=(AUTOENCODER, FOLLOWER), least_latent=1
    ),
    "edit-polish": replace(_EDIT, change=edit),
    "axplorer": ArmConfig(
        ("sampling", "climbing"), boosts=True, polishes=False, learns=(TRANSFORMER,)
    ),
    "latent-search": ArmConfig(
        ("cma-es", "gradient"), learns=(AUTOENCODER,), least_latent=LEAST_LATENT
    ),
    "arithmetic": replace(_VAE, sources=("arithmetic",)),
    "vae-untrained": replace(_VAE, trains=False),
    "vae-shuffled": replace(_VAE, adapt=lambda config: replace(config, shuffled_ranks=True)),
    "vae-once": replace(_VAE, retrains=False),
    "vae-unpolished": replace(_VAE, polishes=False),
    "vae-prior": replace(_VAE, sources=("prior",)),
    "vae-absolute": replace(_VAE, adapt=lambda config: replace(config, tokens="absolute")),
    "vae-relative": replace(_VAE, adapt=lambda config: replace(config, tokens="relative")),
}
