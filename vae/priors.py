"""Priors p(z): standard normal, learned mixture, VampPrior, sphere, normalizing flow.

Each gives log densities of points, draws points, and the KL of a posterior from it.

Tomczak and Welling (2018): VampPrior. Davidson et al. (2018): a uniform prior on the sphere.
Chen et al. (2017): a flow as prior. The flow is of zuko.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from zuko.flows import MAF

from vae.config import ModelConfig
from vae.posteriors import (
    Diagonal,
    Drawn,
    Posterior,
    power_spherical_log_mass,
    power_spherical_shape,
)

_COUPLINGS = 4
"""Layers of a flow prior: each moves half of the coordinates, as RealNVP does (Dinh et al. 2017)"""
_FLOW_WIDTH = 64
_SHARPNESS = 4.0
"""Spread of the initial logits of pseudo-inputs: nearly one target each, as in real automata."""


class Prior(Protocol):
    """A distribution on the latent space."""

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of points (batch, latent), in nats: (batch,)."""

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw points: (count, latent)."""

    def kl(self, posterior: Posterior, drawn: Drawn) -> Tensor:
        """Return KL(q(z|x) || p(z)) of each automaton, in nats: (batch, parts).

        There is one part for each dimension where the KL is a sum over them, else one part. Where
        it has no closed form, log q(z|x) - log p(z) at the drawn points estimates it.
        """


class NormalPrior:
    """N(0, I)."""

    def __init__(self, latent: int) -> None:
        self.latent = latent

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of points (batch, latent), in nats: (batch,)."""
        return _normal_log_density(z, torch.zeros_like(z), torch.zeros_like(z))

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw points: (count, latent)."""
        return torch.randn((count, self.latent), generator=generator, device=generator.device)

    def kl(self, posterior: Posterior, drawn: Drawn) -> Tensor:
        """Return the KL: of each dimension in closed form, or an estimate of the whole."""
        if isinstance(posterior.kind, Diagonal):
            return normal_kl(posterior)
        return _estimate_kl(self, drawn)


def normal_kl(posterior: Posterior) -> Tensor:
    """Return KL(q(z|x) || N(0, I)) of normal posteriors, in each dimension: (batch, latent)."""
    mu, log_sigma = posterior.mu.float(), posterior.log_sigma.float()
    return 0.5 * (mu.square() + torch.exp(2 * log_sigma) - 1) - log_sigma


class MixturePrior(nn.Module):
    """A mixture of normal distributions, all of whose numbers are learned."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        shape = config.options.components, config.latent
        self.mu = nn.Parameter(torch.randn(shape))
        self.log_sigma = nn.Parameter(torch.zeros(shape))
        self.logits = nn.Parameter(torch.zeros(config.options.components))

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of points (batch, latent), in nats: (batch,)."""
        return _mixture_log_density(z, Posterior(self.mu, self.log_sigma), self.logits)

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw points: (count, latent)."""
        return _sample_mixture(Posterior(self.mu, self.log_sigma), self.logits, count, generator)

    def kl(self, posterior: Posterior, drawn: Drawn) -> Tensor:
        """Return an estimate of the KL: (batch, 1)."""
        return _estimate_kl(self, drawn)


class VampPrior(nn.Module):
    """A mixture of the posteriors of learned pseudo-inputs.

    A pseudo-input is an automaton of the largest size whose transitions are distributions over
    targets.

    Parameters
    ----------
    config : ModelConfig
    encode : callable
        From distributions (inputs, n, k, targets) to their posteriors; of the model's encoder.
    """

    def __init__(self, config: ModelConfig, encode: Callable[[Tensor], Posterior]) -> None:
        super().__init__()
        n, k, components = config.n, config.k, config.options.components
        self.inputs = nn.Parameter(_SHARPNESS * torch.randn(components, n, k, config.targets))
        self.logits = nn.Parameter(torch.zeros(components))
        self._encode = encode

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of points (batch, latent), in nats: (batch,)."""
        return _mixture_log_density(z, self.components(), self.logits)

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw points: (count, latent)."""
        return _sample_mixture(self.components(), self.logits, count, generator)

    def kl(self, posterior: Posterior, drawn: Drawn) -> Tensor:
        """Return an estimate of the KL: (batch, 1)."""
        return _estimate_kl(self, drawn)

    def components(self) -> Posterior:
        """Return the posteriors of the pseudo-inputs."""
        return self._encode(self.inputs.softmax(-1))


class SpherePrior:
    """The uniform distribution on the sphere of radius 1."""

    def __init__(self, latent: int) -> None:
        self.latent = latent
        self.log_area = math.log(2) + latent / 2 * math.log(math.pi) - math.lgamma(latent / 2)

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of points of the sphere (batch, latent), in nats: (batch,)."""
        return torch.full_like(z[:, 0], -self.log_area)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw points: (count, latent)."""
        return functional.normalize(NormalPrior(self.latent).sample(count, generator))

    def kl(self, posterior: Posterior, drawn: Drawn) -> Tensor:
        """Return the KL of power-spherical posteriors in closed form: (batch, 1)."""
        alpha, beta = power_spherical_shape(posterior)
        log_height = math.log(2) + torch.digamma(alpha) - torch.digamma(alpha + beta)
        mass = power_spherical_log_mass(alpha, beta)
        return ((alpha - beta) * log_height - mass + self.log_area)[:, None]


class FlowPrior(nn.Module):
    """A normal distribution whose points coupling layers move."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.latent = config.latent
        hidden = (_FLOW_WIDTH, _FLOW_WIDTH)
        with torch.device("cpu"):  # zuko cannot build it without memory, on the device "meta"
            self.flow = MAF(config.latent, 0, _COUPLINGS, passes=2, hidden_features=hidden)

    def log_density(self, z: Tensor) -> Tensor:
        """Return log p(z) of points (batch, latent), in nats: (batch,)."""
        log_density: Tensor = self.flow().log_prob(z)
        return log_density

    @torch.no_grad()
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw points: (count, latent)."""
        moved: Tensor = self.flow.transform(None).inv(
            NormalPrior(self.latent).sample(count, generator)
        )
        return moved

    def kl(self, posterior: Posterior, drawn: Drawn) -> Tensor:
        """Return an estimate of the KL: (batch, 1)."""
        return _estimate_kl(self, drawn)


def make_prior(config: ModelConfig, encode: Callable[[Tensor], Posterior] | None) -> Prior:
    """Return the prior of a model; `encode` is that of `VampPrior`, None without an encoder."""
    name = config.options.prior
    if name == "mixture":
        return MixturePrior(config)
    if name == "vamp" and encode is not None:
        return VampPrior(config, encode)
    if name == "sphere":
        return SpherePrior(config.latent)
    if name == "flow":
        return FlowPrior(config)
    return NormalPrior(config.latent)


def _estimate_kl(prior: Prior, drawn: Drawn) -> Tensor:
    return (drawn.log_density - prior.log_density(drawn.z))[:, None]


def _normal_log_density(z: Tensor, mu: Tensor, log_sigma: Tensor) -> Tensor:
    """Return the log density of points, (..., latent), under normal distributions: (...)."""
    scaled = (z - mu) * torch.exp(-log_sigma)
    return -(scaled.square() / 2 + log_sigma + math.log(2 * math.pi) / 2).sum(-1)


def _mixture_log_density(z: Tensor, components: Posterior, logits: Tensor) -> Tensor:
    """Return the log density of points (batch, latent) under a mixture of normals: (batch,)."""
    each = _normal_log_density(z[:, None], components.mu, components.log_sigma)
    return (each + logits.log_softmax(0)).logsumexp(1)


def _sample_mixture(
    components: Posterior, logits: Tensor, count: int, generator: torch.Generator
) -> Tensor:
    """Draw points from a mixture of normal distributions: (count, latent)."""
    if count == 0:
        return components.mu[:0]
    rows = torch.multinomial(logits.softmax(0), count, replacement=True, generator=generator)
    return Posterior(components.mu[rows], components.log_sigma[rows]).sample(generator)
