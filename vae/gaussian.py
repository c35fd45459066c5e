"""The Gaussian variational autoencoder on images: the first model of the lecture.

Posterior q(z|x): dense layers, then two linear heads, mu and log sigma. Prior N(0, I). Likelihood
p(x|z): dense layers, then mu and log sigma of a normal distribution for each pixel. Every log sigma
is clipped from below, at -3: a pixel that is the same in all images would otherwise earn an
unlimited density. All losses are in nats per image (Kingma and Welling 2014).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from automata.arguments import MAX_SEED
from automata.settings import check_settings, setting
from data.damage import DataError
from data.progress import progress
from data.streams import stream, torch_seed
from vae.posteriors import Posterior
from vae.priors import normal_kl

Images = npt.NDArray[np.float32]

_MEASUREMENTS = 60
"""Points of the loss curve, about."""
_CLIP = 100.0
"""Largest gradient norm."""


@dataclass(frozen=True)
class GaussianConfig:
    """The shape of the model, and how it is trained."""

    latent: int = setting(16, "Dimensions of the latent space.", low=1, high=4096)
    hidden: int = setting(256, "Width of the dense layers.", low=1, high=4096)
    min_log_sigma: float = setting(-3.0, "Least log sigma, of the posterior and of a pixel.")
    beta: float = setting(1.0, "Weight of the KL term.", low=0, high=10**6)
    steps: int = setting(3000, "Steps of training.", low=1, high=10**7)
    batch: int = setting(128, "Images a step.", low=1, high=10**6)
    learning_rate: float = setting(2e-3, "Highest learning rate.", low=1e-9, high=10)
    held_out: float = setting(0.1, "Share of the images held out.", low=1e-4, high=0.5)
    seed: int = setting(0, "Seed.", low=0, high=MAX_SEED)

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        check_settings(self)


class Pixels(NamedTuple):
    """p(x|z), a normal distribution for each pixel."""

    mu: Tensor
    """(batch, pixels)"""
    log_sigma: Tensor
    """(batch, pixels)"""

    def negative_log_likelihood(self, x: Tensor) -> Tensor:
        """Return -log p(x|z) of flat images (batch, pixels), in nats: (batch,)."""
        distance = (x - self.mu) / self.log_sigma.exp()  # (batch, pixels)
        return (distance.square() / 2 + self.log_sigma + math.log(2 * math.pi) / 2).sum(1)

    def sample(self, generator: torch.Generator) -> Tensor:
        """Draw x = mu + sigma * eps: (batch, pixels)."""
        return self.mu + self.log_sigma.exp() * torch.randn(self.mu.shape, generator=generator)


class GaussianVAE(nn.Module):
    """Two dense networks; `encode` gives q(z|x) of images, `decode` gives p(x|z) of points."""

    def __init__(self, pixels: int, config: GaussianConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _dense(pixels, config.hidden)
        self.decoder = _dense(config.latent, config.hidden)
        self.mu, self.log_sigma = (nn.Linear(config.hidden, config.latent) for _ in range(2))
        self.pixel_mu, self.pixel_log_sigma = (nn.Linear(config.hidden, pixels) for _ in range(2))

    def encode(self, x: Tensor) -> Posterior:
        """Return q(z|x) of flat images (batch, pixels)."""
        features = self.encoder(x)  # (batch, hidden)
        log_sigma = self.log_sigma(features).clamp(min=self.config.min_log_sigma)
        return Posterior(self.mu(features), log_sigma)

    def decode(self, z: Tensor) -> Pixels:
        """Return p(x|z) of points (batch, latent)."""
        features = self.decoder(z)  # (batch, hidden)
        log_sigma = self.pixel_log_sigma(features).clamp(min=self.config.min_log_sigma)
        return Pixels(self.pixel_mu(features).sigmoid(), log_sigma)  # ink is in 0..1

    def forward(self, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return negative log-likelihood and KL of flat images, means over the batch, in nats."""
        posterior = self.encode(x)
        pixels = self.decode(posterior.draw(generator).z)
        return pixels.negative_log_likelihood(x).mean(), normal_kl(posterior).mean(0).sum()


def _dense(inputs: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, hidden), nn.GELU())


class Measured(NamedTuple):
    """A point of the loss curve, in nats per image."""

    step: int
    train_nll: float
    train_kl: float
    """Means over the steps since the point before."""
    held_out_nll: float
    held_out_kl: float


class Trained(NamedTuple):
    """A trained model, and what it was not trained on."""

    model: GaussianVAE
    curve: list[Measured]
    training: npt.NDArray[np.int64]
    """Rows of the images."""
    held_out: npt.NDArray[np.int64]
    """Rows of the images."""


def train_gaussian(images: Images, config: GaussianConfig) -> Trained:
    """Train a Gaussian VAE on images; equal seeds give equal models with one thread.

    Parameters
    ----------
    images : float32 array, shape (rows, height, width)
        In 0..1.
    config : GaussianConfig

    Returns
    -------
    Trained

    Raises
    ------
    DataError
        If there are fewer than two images, or one has a value outside 0..1.
    FloatingPointError
        If training diverges.

    Examples
    --------
    >>> images = np.random.default_rng(0).random((50, 4, 4), np.float32)
    >>> trained = train_gaussian(images, GaussianConfig(latent=2, hidden=8, steps=20))
    >>> reconstruct(trained.model, images[:3]).shape
    (3, 4, 4)
    """
    if len(images) < 2:
        raise DataError(f"{len(images)} images are too few to train on and hold some out")
    if not ((images >= 0) & (images <= 1)).all():
        raise DataError("an image has a value outside 0..1")
    order = stream(config.seed, "lecture").permutation(len(images))
    held = max(1, round(config.held_out * len(images)))
    rows = torch.from_numpy(_flat(images[order[held:]]))  # (rows, pixels)
    held_rows = torch.from_numpy(_flat(images[order[:held]]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(config.seed, "weights"))
        model = GaussianVAE(rows.shape[1], config)
    optimizer = torch.optim.AdamW(model.parameters(), config.learning_rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, config.steps)
    generator = torch.Generator().manual_seed(torch_seed(config.seed, "lecture"))
    every = max(1, config.steps // _MEASUREMENTS)
    curve, terms = [], np.zeros((0, 2))
    with progress(config.steps, "train digits", "steps") as bar:
        for step in range(1, config.steps + 1):
            drawn = torch.randint(len(rows), (config.batch,), generator=generator)
            nll, kl = model(rows[drawn], generator)
            optimizer.zero_grad(set_to_none=True)
            (nll + config.beta * kl).backward()
            nn.utils.clip_grad_norm_(model.parameters(), _CLIP)
            optimizer.step()
            schedule.step()
            terms = np.concatenate([terms, [[nll.item(), kl.item()]]])
            if step % every == 0 or step == config.steps:
                with torch.no_grad():
                    unseen = [term.item() for term in model(held_rows, generator)]
                if not np.isfinite([*terms.ravel(), *unseen]).all():
                    raise FloatingPointError(f"step {step}: a loss is not finite")
                curve.append(Measured(step, *terms.mean(0).tolist(), *unseen))
                terms = terms[:0]
            bar.update()
    return Trained(model.eval(), curve, order[held:], order[:held])


@torch.no_grad()
def encode_images(model: GaussianVAE, images: Images) -> Posterior:
    """Return q(z|x) of images (rows, height, width)."""
    return model.encode(torch.from_numpy(_flat(images)))


@torch.no_grad()
def decode_images(model: GaussianVAE, z: Tensor, side: int | None = None) -> Images:
    """Return the mean image of each point.

    Parameters
    ----------
    model : GaussianVAE
    z : tensor, shape (rows, latent)
    side : int, optional
        Height of an image. Default: images are square.

    Returns
    -------
    float32 array, shape (rows, height, width)
    """
    flat = model.decode(z).mu.numpy()  # (rows, pixels)
    return flat.reshape(len(flat), side or math.isqrt(flat.shape[1]), -1)


def reconstruct(model: GaussianVAE, images: Images) -> Images:
    """Encode images and decode the posterior means: float32 (rows, height, width)."""
    return decode_images(model, encode_images(model, images).mu, images.shape[1])


@torch.no_grad()
def log_likelihood(
    model: GaussianVAE,
    images: Images,
    samples: int,
    generator: torch.Generator,
    *,
    from_prior: bool = False,
) -> npt.NDArray[np.float64]:
    """Estimate log p(x) with one to `samples` points z, in nats (Burda et al. 2016).

    The estimate is log (1/s) sum p(x|z) p(z) / q(z|x), with z drawn from q(z|x); with one point
    its mean is the ELBO. Drawn from the prior, the points have p(z) for q(z|x).

    Parameters
    ----------
    model : GaussianVAE
    images : float32 array, shape (rows, height, width)
    samples : int
    generator : torch.Generator
    from_prior : bool

    Returns
    -------
    float64 array, shape (samples, rows)
        The estimate with the first s points, s = 1 ... `samples`; its mean rises with s.
    """
    x = torch.from_numpy(_flat(images))
    posterior = model.encode(x)
    standard = Posterior(torch.zeros_like(posterior.mu), torch.zeros_like(posterior.mu))
    drawn_from = standard if from_prior else posterior
    logs = torch.empty(samples, len(x), dtype=torch.float64)
    for sample in range(samples):
        z = drawn_from.sample(generator)
        log_ratio = _log_density(standard, z) - _log_density(drawn_from, z)
        logs[sample] = log_ratio - model.decode(z).negative_log_likelihood(x)
    counts = torch.arange(1, samples + 1, dtype=torch.float64)
    return (logs.logcumsumexp(0) - counts.log()[:, None]).numpy()


def _log_density(normal: Posterior, z: Tensor) -> Tensor:
    """Return the log density of points (batch, latent): (batch,)."""
    return -Pixels(normal.mu, normal.log_sigma).negative_log_likelihood(z)


def _flat(images: Images) -> Images:
    return np.ascontiguousarray(images, np.float32).reshape(len(images), -1)
