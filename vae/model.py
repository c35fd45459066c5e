"""The variational autoencoder over automata.

Posterior q(z|x): 1-D convolutions over the states of the token string, then two linear heads, mu
and log sigma. Prior N(0, I). Likelihood p(x|z): GRU layers fed with z at every step, their hidden
state started from z; one step a state, a softmax over tokens for each of its letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from automata.canonical import CANONICAL_MAX_LETTERS, CANONICAL_MAX_STATES
from vae.encoding import TOKEN_KINDS, vocabulary_size

DECODERS = ("autoregressive", "repeat")


@dataclass(frozen=True)
class ModelConfig:
    """The shape of the model."""

    n: int = 8
    k: int = 2
    tokens: str = "absolute"
    """``absolute`` target states or ``relative`` offsets."""
    decoder: str = "autoregressive"
    """``autoregressive`` (previous outputs too) or ``repeat`` (z alone at every step)."""
    latent: int = 32
    embedding: int = 16
    channels: int = 64
    convolutions: int = 3
    hidden: int = 160
    layers: int = 1
    """GRU layers."""
    token_dropout: float = 0.2
    """Share of the previous outputs hidden from the autoregressive decoder in training."""
    min_log_sigma: float = -3.0

    def __post_init__(self) -> None:
        """Check every value against its limit."""
        if self.tokens not in TOKEN_KINDS:
            raise ValueError(f"unknown tokens {self.tokens!r}: one of {', '.join(TOKEN_KINDS)}")
        if self.decoder not in DECODERS:
            raise ValueError(f"unknown decoder {self.decoder!r}: one of {', '.join(DECODERS)}")
        for name, value, high in [
            ("n", self.n, CANONICAL_MAX_STATES),
            ("k", self.k, CANONICAL_MAX_LETTERS),
            ("latent", self.latent, 4096),
            ("embedding", self.embedding, 4096),
            ("channels", self.channels, 4096),
            ("convolutions", self.convolutions, 64),
            ("hidden", self.hidden, 4096),
            ("layers", self.layers, 64),
        ]:
            if not isinstance(value, int) or not 1 <= value <= high:
                raise ValueError(f"{name}={value} is not in 1..{high}")
        if not 0 <= self.token_dropout < 1:
            raise ValueError(f"token-dropout={self.token_dropout} is not in [0, 1)")


class Posterior(NamedTuple):
    """q(z|x), a normal distribution with independent dimensions."""

    mu: Tensor
    """(batch, latent)"""
    log_sigma: Tensor
    """(batch, latent)"""

    def sample(self, generator: torch.Generator, spread: float = 1.0) -> Tensor:
        """Draw z = mu + spread * sigma * eps: (batch, latent)."""
        noise = torch.randn(self.mu.shape, generator=generator, device=self.mu.device)
        return self.mu + spread * self.log_sigma.exp() * noise


class Forward(NamedTuple):
    """One pass through the model."""

    logits: Tensor
    """(batch, n, k, vocabulary)"""
    posterior: Posterior
    ratio: Tensor
    """(batch,): the predicted reset threshold / Černý bound"""


class Decoded(NamedTuple):
    """What the decoder wrote."""

    tokens: Tensor
    """int64 (batch, n, k)"""
    log_probabilities: Tensor
    """(batch, n, k, vocabulary)"""


class Encoder(nn.Module):
    """Tokens -> posterior: one position a state, its letters' embeddings side by side."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        vocabulary = vocabulary_size(config.n, config.tokens)
        self.embed = nn.Embedding(vocabulary, config.embedding)
        widths = [config.k * config.embedding] + [config.channels] * config.convolutions
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, config.channels, kernel_size=3, padding=1) for width in widths[:-1]
        )
        self.mu = nn.Linear(config.n * config.channels, config.latent)
        self.log_sigma = nn.Linear(config.n * config.channels, config.latent)
        self.min_log_sigma = config.min_log_sigma

    def forward(self, tokens: Tensor) -> Posterior:
        """Encode tokens (batch, n, k)."""
        features = self.embed(tokens).flatten(2).transpose(1, 2)  # (batch, k*embedding, n)
        for convolution in self.convolutions:
            changed = functional.gelu(convolution(features))
            features = changed + features if changed.shape == features.shape else changed
        flat = features.flatten(1)  # (batch, channels*n)
        return Posterior(self.mu(flat), self.log_sigma(flat).clamp(min=self.min_log_sigma))


class Decoder(nn.Module):
    """z -> tokens: one GRU step a state, within a state one softmax a letter."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = vocabulary_size(config.n, config.tokens)
        self.autoregressive = config.decoder == "autoregressive"
        self.start = nn.Linear(config.latent, config.layers * config.hidden)
        width = config.latent
        if self.autoregressive:
            width += config.k * config.embedding
            # the last embedding stands for "hidden or not there yet"
            self.embed = nn.Embedding(self.vocabulary + 1, config.embedding)
            if config.k > 1:
                self.earlier_letters = nn.Linear(
                    (config.k - 1) * config.embedding, config.k * self.vocabulary, bias=False
                )
        self.gru = nn.GRU(width, config.hidden, config.layers, batch_first=True)
        self.output = nn.Linear(config.hidden, config.k * self.vocabulary)

    def forward(self, z: Tensor, tokens: Tensor, hide: Tensor | None = None) -> Tensor:
        """Return the logits (batch, n, k, vocabulary) of tokens (batch, n, k), all steps at once.

        ``hide`` (bool, as tokens) marks the tokens that the decoder must not see.
        """
        inputs = z[:, None].expand(-1, self.config.n, -1)  # (batch, n, latent)
        if not self.autoregressive:
            features, _ = self.gru(inputs, self._hidden(z))
            return self._split_letters(self.output(features))
        seen = tokens if hide is None else tokens.masked_fill(hide, self.vocabulary)
        before = functional.pad(seen[:, :-1], (0, 0, 1, 0), value=self.vocabulary)
        inputs = torch.cat([inputs, self.embed(before).flatten(2)], 2)
        features, _ = self.gru(inputs, self._hidden(z))
        return self._split_letters(self.output(features)) + self._from_earlier_letters(seen)

    @torch.no_grad()
    def generate(
        self, z: Tensor, *, temperature: float = 0.0, generator: torch.Generator | None = None
    ) -> Decoded:
        """Write tokens step by step: the most probable ones, or samples at a temperature > 0."""
        hidden = self._hidden(z)
        chosen = z.new_full((len(z), self.config.k), self.vocabulary, dtype=torch.int64)
        steps = []
        for _ in range(self.config.n):
            inputs = z
            if self.autoregressive:
                inputs = torch.cat([z, self.embed(chosen).flatten(1)], 1)
            features, hidden = self.gru(inputs[:, None], hidden)
            base = self._split_letters(self.output(features))[:, 0]
            chosen = torch.full_like(chosen, self.vocabulary)
            letters = []
            for letter in range(self.config.k):
                logits = base[:, letter]
                if self.autoregressive:
                    logits = logits + self._from_earlier_letters(chosen[:, None])[:, 0, letter]
                chosen[:, letter] = _choose(logits, temperature, generator)
                letters.append(logits.float().log_softmax(1))
            steps.append(Decoded(chosen, torch.stack(letters, 1)))
        return Decoded(
            torch.stack([step.tokens for step in steps], 1),
            torch.stack([step.log_probabilities for step in steps], 1),
        )

    def _hidden(self, z: Tensor) -> Tensor:
        """Start the hidden state from z: (layers, batch, hidden)."""
        hidden = torch.tanh(self.start(z)).view(len(z), self.config.layers, self.config.hidden)
        return hidden.transpose(0, 1).contiguous()

    def _from_earlier_letters(self, tokens: Tensor) -> Tensor:
        """Return what each letter's logits gain from the same state's earlier letters."""
        k, vocabulary, embedding = self.config.k, self.vocabulary, self.config.embedding
        if k == 1:
            return torch.zeros(*tokens.shape, vocabulary, device=tokens.device)
        weight = self.earlier_letters.weight.view(k, vocabulary, k - 1, embedding)
        earlier = torch.ones(k, k - 1, device=tokens.device).tril(-1)  # letter a sees b < a
        masked = (weight * earlier[:, None, :, None]).reshape(k * vocabulary, -1)
        return self._split_letters(
            functional.linear(self.embed(tokens[:, :, :-1]).flatten(2), masked)
        )

    def _split_letters(self, flat: Tensor) -> Tensor:
        """Cut the last dimension: (batch, steps, k * vocabulary) -> (..., k, vocabulary)."""
        return flat.view(*flat.shape[:-1], self.config.k, self.vocabulary)


class VAE(nn.Module):
    """Encoder, decoder, and a small head that predicts threshold / Černý bound from mu."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.ratio = nn.Sequential(nn.Linear(config.latent, 64), nn.GELU(), nn.Linear(64, 1))

    def forward(self, tokens: Tensor, generator: torch.Generator) -> Forward:
        """Encode tokens (batch, n, k), sample z, and predict the tokens from it."""
        posterior = self.encoder(tokens)
        z = posterior.sample(generator)
        hide = None
        if self.training and self.config.token_dropout > 0:
            drawn = torch.rand(tokens.shape, generator=generator, device=tokens.device)
            hide = drawn < self.config.token_dropout
        return Forward(
            self.decoder(z, tokens, hide), posterior, self.ratio(posterior.mu).squeeze(1)
        )


def _choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    """Return the most probable token, or a sample at a temperature > 0: (batch,)."""
    if temperature == 0:
        return logits.argmax(1)
    probabilities = (logits.float() / temperature).softmax(1)
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(1)
