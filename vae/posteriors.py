"""Posteriors q(z|x): a normal, a power-spherical one, and normals that flows bend.

Each kind makes a `Posterior` of the encoder's outputs, and draws points from it with their log
densities. All densities are in nats, of points as the prior sees them.

Rezende and Mohamed (2015): planar flows. Kingma et al. (2016): inverse autoregressive flows.
De Cao and Aziz (2020): the power spherical distribution.
"""

from __future__ import annotations

import math
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from zuko.flows import MAF

from vae.config import ModelConfig

_CONTEXT = 32
"""Numbers that an inverse autoregressive flow learns of an automaton from its encoder."""
_FLOW_WIDTH = 64
"""Width of the hidden layers of an inverse autoregressive flow."""
_MOST_KAPPA = 1e30
"""Of a spherical posterior: an infinite one is drawn on the wrong side of the sphere."""
_LEAST_STRETCH = 1e-3
"""Of a planar flow: closer to 0, rounding would make it two-to-one."""


class Drawn(NamedTuple):
    """Points drawn from a posterior."""

    z: Tensor
    """(batch, latent)"""
    log_density: Tensor
    """log q(z|x), in nats: (batch,)"""


class Kind(Protocol):
    """A kind of distributions on the latent space."""

    context: int
    """Numbers that a posterior has besides mu and log sigma, from one more head of the encoder."""

    def posterior(self, mu: Tensor, log_sigma: Tensor, context: Tensor) -> Posterior:
        """Return the posterior of the heads' outputs: (batch, latent) twice, (batch, context)."""

    def draw(self, posterior: Posterior, generator: torch.Generator, spread: float) -> Drawn:
        """Draw a point from each posterior of a batch."""


class Diagonal:
    """Normal distributions with independent dimensions."""

    context = 0

    def posterior(self, mu: Tensor, log_sigma: Tensor, context: Tensor) -> Posterior:
        """Return the posterior with this mean and log standard deviation."""
        return Posterior(mu, log_sigma, context, self)

    def draw(self, posterior: Posterior, generator: torch.Generator, spread: float) -> Drawn:
        """Draw z = mu + spread * sigma * eps."""
        mu, log_sigma = posterior.mu, posterior.log_sigma
        noise = torch.randn(mu.shape, generator=generator, device=mu.device)
        width = log_sigma + (math.log(spread) if spread else -math.inf)
        log_density = -(noise.square() / 2 + width + math.log(2 * math.pi) / 2).sum(1)
        return Drawn(mu + spread * log_sigma.exp() * noise, log_density)


class Posterior(NamedTuple):
    """q(z|x) of a batch of automata."""

    mu: Tensor
    """The centre, a point of the latent space: (batch, latent)"""
    log_sigma: Tensor
    """The width in each dimension, before a flow bends it: (batch, latent)"""
    context: Tensor = torch.empty(0, 0)
    """What else its kind needs to draw: (batch, context)"""
    kind: Kind = Diagonal()

    def draw(self, generator: torch.Generator, spread: float = 1.0) -> Drawn:
        """Draw a point of each posterior, its width multiplied by `spread`, with gradients."""
        return self.kind.draw(self, generator, spread)

    @torch.no_grad()  # a flow has weights of its own, which want gradients
    def sample(self, generator: torch.Generator, spread: float = 1.0) -> Tensor:
        """Draw the same points, (batch, latent), without density and gradients."""
        return self.draw(generator, spread).z

    def float(self) -> Posterior:
        """Return it in single precision."""
        return Posterior(self.mu.float(), self.log_sigma.float(), self.context.float(), self.kind)

    def take(self, rows: Tensor) -> Posterior:
        """Return the posteriors of some rows."""
        context = self.context[rows] if self.context.numel() else self.context
        return Posterior(self.mu[rows], self.log_sigma[rows], context, self.kind)


def join(parts: list[Posterior]) -> Posterior:
    """Return the posterior of several batches as one."""
    mu, log_sigma, context = (
        torch.cat([getattr(part, name) for part in parts])
        for name in ("mu", "log_sigma", "context")
    )
    return parts[0]._replace(mu=mu, log_sigma=log_sigma, context=context)


class PowerSpherical:
    """Distributions on the sphere of radius 1, about a direction mu.

    Their density is proportional to (1 + mu.z)^kappa. With kappa = 2 / sigma^2, a narrow one has
    standard deviation sigma in each direction along the sphere.
    """

    context = 0

    def posterior(self, mu: Tensor, log_sigma: Tensor, context: Tensor) -> Posterior:
        """Return the posterior about a direction; the mean of log sigma is its width."""
        width = log_sigma.mean(1, keepdim=True).expand_as(mu)
        return Posterior(functional.normalize(mu), width, context, self)

    def draw(self, posterior: Posterior, generator: torch.Generator, spread: float) -> Drawn:
        """Draw the height along mu from a beta distribution, the rest evenly around mu."""
        mu = posterior.mu
        if spread == 0:
            return Drawn(mu, torch.full_like(mu[:, 0], math.inf))
        alpha, beta = power_spherical_shape(posterior, spread)
        device = [mu.device] if mu.is_cuda else []
        with torch.random.fork_rng(devices=device):  # a beta takes no generator
            torch.manual_seed(_seed(generator))
            height = 2 * torch.distributions.Beta(alpha, beta).rsample() - 1  # (batch,)
        shape = len(mu), mu.shape[1] - 1
        around = functional.normalize(torch.randn(shape, generator=generator, device=mu.device))
        height = height.clamp(-1 + 1e-6, 1 - 1e-6)[:, None]
        north = torch.cat([height, (1 - height.square()).sqrt() * around], 1)
        z = functional.normalize(_reflect(north, mu))
        log_mass = power_spherical_log_mass(alpha, beta)
        cosine = (z * mu).sum(1).clamp(min=-1 + 1e-6)
        return Drawn(z, (alpha - beta) * torch.log1p(cosine) - log_mass)


def power_spherical_shape(posterior: Posterior, spread: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return the two parameters of the beta distribution of (1 + mu.z) / 2: (batch,) each.

    They differ by the concentration kappa.
    """
    half = torch.full_like(posterior.mu[:, 0], (posterior.mu.shape[1] - 1) / 2)
    width = posterior.log_sigma[:, 0] + math.log(spread)
    kappa = (2 * torch.exp(-2 * width)).clamp(max=_MOST_KAPPA)
    return half + kappa, half


def power_spherical_log_mass(alpha: Tensor, beta: Tensor) -> Tensor:
    """Return the log of the integral of (1 + mu.z)^kappa over the sphere: (batch,)."""
    alpha, beta = alpha.double(), beta.double()  # differences of large numbers
    ratio = torch.lgamma(alpha) - torch.lgamma(alpha + beta)
    return ((alpha + beta) * math.log(2) + beta * math.log(math.pi) + ratio).float()


def _reflect(points: Tensor, to: Tensor) -> Tensor:
    """Reflect points (batch, latent) by the reflection that takes the first axis to `to`."""
    first = functional.one_hot(torch.zeros_like(to[:, 0], dtype=torch.int64), to.shape[1])
    normal = functional.normalize(first - to)
    return points - 2 * (points * normal).sum(1, keepdim=True) * normal


def _seed(generator: torch.Generator) -> int:
    drawn = torch.randint(2**62, (1,), generator=generator, device=generator.device)
    return int(drawn.item())


class Bent(nn.Module):
    """Normal distributions whose points a flow moves; the context holds the normal's mean."""

    def __init__(self, flow: Planar | InverseAutoregressive, latent: int) -> None:
        super().__init__()
        self.flow = flow
        self.latent = latent
        self.context = flow.context

    def posterior(self, mu: Tensor, log_sigma: Tensor, context: Tensor) -> Posterior:
        """Return the posterior whose centre is where the flow moves the normal's mean."""
        centre, _ = self.flow(mu.float(), context.float())
        return Posterior(centre, log_sigma, torch.cat([mu, context], 1), self)

    def draw(self, posterior: Posterior, generator: torch.Generator, spread: float) -> Drawn:
        """Draw from the normal distributions, and move the points."""
        mean, context = posterior.context.split([self.latent, self.context], 1)
        start = Diagonal().posterior(mean, posterior.log_sigma, context).draw(generator, spread)
        z, stretch = self.flow(start.z, context)
        return Drawn(z, start.log_density - stretch)


class Planar(nn.Module):
    """Planar flows z + u tanh(w.z + b), each automaton with its own u, w and b."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.layers = config.options.flow_layers
        self.context = self.layers * (2 * config.latent + 1)

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moved points (batch, latent), and the log of the stretch (batch,)."""
        latent = z.shape[1]
        stretch = torch.zeros_like(z[:, 0])
        for own in context.chunk(self.layers, 1):
            u, w, b = own.split([latent, latent, 1], 1)
            u, along = one_to_one(u, w)
            wave = torch.tanh((z * w).sum(1, keepdim=True) + b)
            stretch = stretch + torch.log1p((1 - wave.square()) * along).squeeze(1)
            z = z + u * wave
        return z, stretch


def one_to_one(u: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Return u (batch, latent) with its part along w so changed that u.w > -1, and u.w (batch, 1).

    Then a planar flow is one-to-one (Rezende and Mohamed 2015, appendix A.1). Computed again from
    the changed u, a u.w near -1 may be rounded to -1 or less.
    """
    along = (u * w).sum(1, keepdim=True)
    length = w.square().sum(1, keepdim=True)
    change = functional.softplus(along).clamp(min=_LEAST_STRETCH) - 1 - along
    change = change / length.clamp(min=1e-12)
    return u + change * w, along + change * length


class InverseAutoregressive(nn.Module):
    """Inverse autoregressive flows: each coordinate is scaled and moved by those before it."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.context = _CONTEXT
        hidden = (_FLOW_WIDTH, _FLOW_WIDTH)
        with torch.device("cpu"):  # zuko cannot build it without memory, on the device "meta"
            layers = MAF(
                config.latent, _CONTEXT, config.options.flow_layers, hidden_features=hidden
            )
        self.flow = layers.transform

    def forward(self, z: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Return the moved points (batch, latent), and the log of the stretch (batch,)."""
        if len(z) == 0:  # zuko cannot
            return z, z.new_zeros(0)
        moved, stretch = self.flow(context).call_and_ladj(z)
        return moved, stretch


def make_kind(config: ModelConfig) -> Kind:
    """Return the kind of posteriors of a model."""
    if config.spherical:
        return PowerSpherical()
    if config.options.posterior == "planar":
        return Bent(Planar(config), config.latent)
    if config.options.posterior == "iaf":
        return Bent(InverseAutoregressive(config), config.latent)
    return Diagonal()
