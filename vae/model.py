"""The variational autoencoder over automata.

Posterior q(z|x): 1-D convolutions over the states of the token string, then two linear heads, mu
and log sigma. Prior N(0, I). Likelihood p(x|z): GRU layers fed with z at every step, their hidden
state started from z; one step a state, a softmax over target states for each of its letters. In a
model of *partial* automata an undefined transition is one target more.
`vae.config.ModelOptions` exchanges the posterior (`vae.posteriors`) and the prior (`vae.priors`).

A model of *any size* reads and writes automata of every size up to n. Size and place (counted from
the first and from the last state) are conditions of encoder and decoder, and the encoder pools
features over the states. Places and output scores begin as zero, so that those of sizes not yet
seen in training change nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from data.damage import DataError
from vae.conditions import Places, Size, Vocabulary, place_points, sum_names, zeros
from vae.config import DECODERS as DECODERS
from vae.config import ModelConfig as ModelConfig
from vae.guide import Guide
from vae.posteriors import Posterior as Posterior
from vae.posteriors import make_kind
from vae.priors import make_prior


class NotFiniteError(DataError):
    """A point of the latent space, or a number that a model computes, is not finite."""


def check_rows(good: Tensor, reason: str) -> None:
    """Raise NotFiniteError with a reason for the first point that is not all True.

    ``good`` is bool (batch, ...).
    """
    wrong = ~good.flatten(1).all(1)
    if wrong.any():
        raise NotFiniteError(f"point {int(wrong.int().argmax())} of {len(wrong)} {reason}")


def check_points(z: Tensor) -> None:
    """Refuse points, (batch, latent), that are not finite: their automata would be meaningless.

    Raises
    ------
    NotFiniteError
        If there is one; the error names the first.

    Examples
    --------
    >>> check_points(torch.tensor([[0.0, 1.0], [0.0, torch.nan]]))
    Traceback (most recent call last):
    vae.model.NotFiniteError: point 1 of 2 is not finite
    """
    check_rows(z.isfinite(), "is not finite")


class Forward(NamedTuple):
    """One pass through the model."""

    logits: Tensor
    """(batch, n, k, targets): one for each target state, and the last for none if partial"""
    posterior: Posterior
    ratio: Tensor
    """(batch,): the predicted reset threshold / Černý bound"""
    kl: Tensor
    """KL(q(z|x) || p(z)) in nats: (batch, parts), see `vae.priors`"""
    guess: Tensor
    """(batch, guesses): what the guide makes of z, see `vae.guide`; (batch, 0) without one"""


class Decoded(NamedTuple):
    """The output of `Decoder.generate`."""

    tokens: Tensor
    """int64 (batch, n, k)"""
    log_probabilities: Tensor
    """(batch, n, k, targets), as in `Forward.logits`"""


class Reader(nn.Module):
    """Tokens -> features: one position a state, its letters' embeddings side by side."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.any_size = config.any_size
        self.vocabulary = Vocabulary(config)
        self.embed = nn.Embedding(self.vocabulary.size, config.embedding)
        self.size, self.places = Size(config), Places(config)
        width = config.k * config.embedding + self.places.width
        self.width = (2 if config.any_size else config.n) * config.channels + self.size.width
        widths = [width] + [config.channels] * config.convolutions
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, config.channels, kernel_size=3, padding=1) for width in widths[:-1]
        )

    def read(self, tokens: Tensor) -> Tensor:
        """Return the features (batch, width) of tokens (batch, n, k)."""
        return self._convolve(self.embed(self.vocabulary.name(tokens)).sum(0))

    def read_weights(self, weights: Tensor) -> Tensor:
        """Return the features (batch, width) of distributions, (batch, n, k, targets)."""
        targets = self.embed(self.vocabulary.table(weights.shape[1])).sum(0)  # (n, targets, e)
        return self._convolve(torch.einsum("bqat,qte->bqae", weights, targets))

    def _convolve(self, embedded: Tensor) -> Tensor:
        """Return the features of embedded tokens (batch, n, k, embedding)."""
        features = self.places(embedded.flatten(2)).transpose(1, 2)  # (batch, width, n)
        for convolution in self.convolutions:
            changed = functional.gelu(convolution(features))
            features = changed + features if changed.shape == features.shape else changed
        return self.size(self._flatten(features), embedded.shape[1])  # type: ignore[no-any-return]

    def _flatten(self, features: Tensor) -> Tensor:
        """Return (batch, channels*n), or for any size mean and maximum: (batch, 2*channels)."""
        if self.any_size:
            return torch.cat([features.mean(2), features.amax(2)], 1)
        return features.flatten(1)


class Encoder(Reader):
    """Tokens -> posterior: a linear head each for mu, log sigma, and what its kind needs."""

    # a subclass, because saved weights have the reader's names without a prefix

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.mu = nn.Linear(self.width, config.latent)
        self.log_sigma = nn.Linear(self.width, config.latent)
        self.min_log_sigma = config.min_log_sigma
        self.kind = make_kind(config)
        if self.kind.context:
            self.context = nn.Linear(self.width, self.kind.context)

    def forward(self, tokens: Tensor) -> Posterior:
        """Encode tokens (batch, n, k)."""
        return self._posterior(self.read(tokens))

    def encode_weights(self, weights: Tensor) -> Posterior:
        """Encode distributions over targets (batch, n, k, targets)."""
        return self._posterior(self.read_weights(weights))

    def _posterior(self, features: Tensor) -> Posterior:
        mu = self.mu(features)
        log_sigma = self.log_sigma(features).clamp(min=self.min_log_sigma)
        context = self.context(features) if self.kind.context else mu[:, :0]
        return self.kind.posterior(mu, log_sigma, context)


class Decoder(nn.Module):
    """z -> tokens: one GRU step a state, within a state one softmax a letter."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = Vocabulary(config)
        self.hidden_token = self.vocabulary.size
        """The name of a token that is hidden, or not written yet."""
        self.autoregressive = config.decoder == "autoregressive"
        self.size, self.places = Size(config), Places(config)
        width = config.latent + self.size.width
        self.start = nn.Linear(width, config.layers * config.hidden)
        width += self.places.width
        names = self.vocabulary.size
        if self.autoregressive:
            width += config.k * config.embedding
            self.embed = nn.Embedding(names + 1, config.embedding)
            if config.k > 1:
                self.earlier_letters = nn.Linear(
                    (config.k - 1) * config.embedding, config.k * names, bias=False
                )
        self.gru = nn.GRU(width, config.hidden, config.layers, batch_first=True)
        self.output = nn.Linear(config.hidden, config.k * names)
        if config.any_size:
            zeros(self.output)
            if self.autoregressive and config.k > 1:
                zeros(self.earlier_letters)

    def forward(self, z: Tensor, tokens: Tensor, hide: Tensor | None = None) -> Tensor:
        """Return the logits (batch, n, k, targets) of tokens (batch, n, k), all steps at once.

        ``hide``, bool (batch, n, k), marks the tokens that the decoder must not see.
        """
        n = tokens.shape[1]
        z = self.size(place_points(z, self.config), n)
        inputs = [self.places(z[:, None].expand(-1, n, -1))]
        if self.autoregressive:
            names = self.vocabulary.name(tokens)
            seen = names if hide is None else names.masked_fill(hide, self.hidden_token)
            before = functional.pad(seen[:, :, :-1], (0, 0, 1, 0), value=self.hidden_token)
            inputs.append(self.embed(before).sum(0).flatten(2))
        features, _ = self.gru(torch.cat(inputs, 2), self._hidden(z))
        scores = self._split_letters(self.output(features))
        if self.autoregressive:
            scores = scores + self._from_earlier_letters(seen)
        table = self.vocabulary.table(n)[:, None, :, None]  # (names, 1, n, 1, targets)
        return sum_names(scores, table)

    @torch.no_grad()
    def generate(
        self,
        z: Tensor,
        n: int | None = None,
        *,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Decoded:
        """Write tokens step by step: the most probable ones, or samples at a temperature > 0.

        Parameters
        ----------
        z : float tensor, shape (batch, latent)
        n : int, optional
            Number of states; by default that of the config.
        temperature : float
            Logits are divided by it; 0 takes the most probable token.
        generator : torch.Generator, optional
            On the device of z; for samples.

        Raises
        ------
        ValueError
            If n is not a size of this model.
        NotFiniteError
            If a point, or what it decodes to, is not finite.
        """
        n = self.config.n if n is None else n
        if not (1 if self.config.any_size else self.config.n) <= n <= self.config.n:
            raise ValueError(f"n={n} is not a size of this model")
        check_points(z)
        batch, k = len(z), self.config.k
        z = self.size(place_points(z, self.config), n)
        hidden = self._hidden(z)
        placed = self.places(z[:, None].expand(-1, n, -1))  # (batch, n, width)
        table = self.vocabulary.table(n)  # (names, n, targets)
        nothing = table.new_full((len(table), batch, 1, k), self.hidden_token)
        before = nothing
        steps = []
        for state in range(n):
            inputs = [placed[:, state]]
            if self.autoregressive:
                inputs.append(self.embed(before[:, :, 0]).sum(0).flatten(1))
            features, hidden = self.gru(torch.cat(inputs, 1)[:, None], hidden)
            base = self._split_letters(self.output(features))
            names, before = table[:, state], nothing.clone()
            chosen, letters = [], []
            for letter in range(k):
                scores = base
                if self.autoregressive:
                    scores = scores + self._from_earlier_letters(before)
                logits = sum_names(scores[:, 0, letter], names[:, None])  # (batch, targets)
                chosen.append(choose(logits, temperature, generator))
                letters.append(logits.float().log_softmax(1))
                before[:, :, 0, letter] = names[:, chosen[-1]]
            steps.append(Decoded(torch.stack(chosen, 1), torch.stack(letters, 1)))
        log_probabilities = torch.stack([step.log_probabilities for step in steps], 1)
        check_rows(~log_probabilities.isnan(), "decodes to NaN")
        return Decoded(torch.stack([step.tokens for step in steps], 1), log_probabilities)

    def _hidden(self, z: Tensor) -> Tensor:
        """Start the hidden state from z and the size: (layers, batch, hidden)."""
        hidden = torch.tanh(self.start(z)).view(len(z), self.config.layers, self.config.hidden)
        return hidden.transpose(0, 1).contiguous()

    def _from_earlier_letters(self, names: Tensor) -> Tensor:
        """Return the part of each letter's scores that comes from the state's earlier letters.

        ``names`` (names, batch, steps, k) are those of tokens; returns (batch, steps, k,
        vocabulary).
        """
        k, vocabulary, embedding = self.config.k, self.vocabulary.size, self.config.embedding
        if k == 1:
            return torch.zeros(*names.shape[1:], vocabulary, device=names.device)
        weight = self.earlier_letters.weight.view(k, vocabulary, k - 1, embedding)
        earlier = torch.ones(k, k - 1, device=names.device).tril(-1)  # letter a sees b < a
        masked = (weight * earlier[:, None, :, None]).reshape(k * vocabulary, -1)
        embedded = self.embed(names[:, :, :, :-1]).sum(0).flatten(2)
        return self._split_letters(functional.linear(embedded, masked))

    def _split_letters(self, flat: Tensor) -> Tensor:
        """Cut the last dimension: (batch, steps, k * vocabulary) -> (..., k, vocabulary)."""
        return flat.view(*flat.shape[:-1], self.config.k, self.vocabulary.size)


class Discriminator(nn.Module):
    """Distributions over targets -> whether they are those of a real automaton."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.reader = Reader(config)
        for convolution in self.reader.convolutions:
            spectral_norm(convolution)  # a bounded slope: no side runs away from the other
        self.score = spectral_norm(nn.Linear(self.reader.width, 1))

    def forward(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the logits (batch,) of weights (batch, n, k, targets), and their features."""
        features = self.reader.read_weights(weights)
        return self.score(features).squeeze(1), features


class VAE(nn.Module):
    """Encoder, decoder, prior, and a small head that predicts threshold / Černý bound.

    The options add a guide and a discriminator. A model without a latent space has only the
    decoder.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        if config.latent:
            self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        if config.latent:
            self.ratio = nn.Sequential(nn.Linear(config.latent, 64), nn.GELU(), nn.Linear(64, 1))
        encode = self.encoder.encode_weights if config.latent else None
        self.prior = make_prior(config, encode)
        if config.options.guide:
            self.guide = Guide(config.latent, partial=config.partial)
        if config.options.adversarial:
            self.discriminator = Discriminator(config)

    def forward(self, tokens: Tensor, generator: torch.Generator) -> Forward:
        """Encode tokens (batch, n, k), sample z, and predict the tokens from it."""
        posterior = self.posterior(tokens)
        with torch.autocast(tokens.device.type, enabled=False):  # densities in single precision
            posterior = posterior.float()
            drawn = posterior.draw(generator)
            kl = self.prior.kl(posterior, drawn)
        z = drawn.z
        hide = None
        if self.training and self.config.token_dropout > 0:
            dropped = torch.rand(tokens.shape, generator=generator, device=tokens.device)
            hide = dropped < self.config.token_dropout
        logits = self.decoder(z, tokens, hide)
        seen = self.seen(posterior, z)
        return Forward(logits, posterior, self.predict(seen), kl, self.guess(seen))

    def posterior(self, tokens: Tensor) -> Posterior:
        """Return q(z|x) of tokens (batch, n, k); without a latent space it has 0 dimensions."""
        if self.config.latent:
            return self.encoder(tokens)  # type: ignore[no-any-return]
        nothing = torch.zeros(len(tokens), 0, device=tokens.device)
        return Posterior(nothing, nothing)

    def seen(self, posterior: Posterior, z: Tensor) -> Tensor:
        """Return the points that the predictor learns from: mu, or samples if it is a guide."""
        return z if self.config.options.guide else posterior.mu

    def predict(self, z: Tensor) -> Tensor:
        """Return the predicted threshold / Černý bound: (batch,), zeros without a latent space."""
        return (
            self.ratio(place_points(z, self.config)).squeeze(1) if self.config.latent else z.sum(1)
        )

    def guess(self, z: Tensor) -> Tensor:
        """Return what the guide makes of points: (batch, guesses); (batch, 0) without one."""
        if self.config.options.guide:
            return self.guide(place_points(z, self.config))  # type: ignore[no-any-return]
        return z[:, :0]


def choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Return the most probable token, or a sample at a temperature > 0: (batch,).

    Raises
    ------
    NotFiniteError
        If a probability to sample by is not finite.
    """
    if temperature == 0:
        return logits.argmax(1)
    probabilities = (logits.float() / temperature).softmax(1)
    check_rows(probabilities.isfinite(), "decodes to probabilities that are not finite")
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(1)
