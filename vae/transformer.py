"""A decoder-only transformer of transition tables: it writes their tokens one by one.

A string has one token for each transition, state by state and letter by letter (`vae.encoding`).
Each token is guessed from those before it by causal self-attention (Vaswani et al. 2017, with the
layer norms first). What a token is for is known beforehand: its letter, the place of its state
counted from both ends, and the size. So every string is a table, and needs no end.

One model writes every size. Besides the places, attention knows how many tokens back it looks, by
a bias for each distance and head: that means the same at every size. A target's score is the sum of
those of its names. Places, biases and output scores begin as zero, as in `vae.model`.
"""

from __future__ import annotations

from math import gcd

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.conditions import Places, Size, Vocabulary, sum_names, zeros
from vae.config import ModelConfig
from vae.model import choose

_HEADS = 4
"""Heads of attention at most; their number divides the width."""
_WIDER = 4
"""The hidden layer of a block is this many times as wide as its input."""


class Block(nn.Module):
    """Causal self-attention, then two layers for each token alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = gcd(width, _HEADS)
        self.norm, self.own_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.ask = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.own = nn.Sequential(
            nn.Linear(width, _WIDER * width), nn.GELU(), nn.Linear(_WIDER * width, width)
        )

    def forward(
        self, features: Tensor, bias: Tensor, past: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Return new features (batch, length, width), and all keys and values so far.

        Parameters
        ----------
        features : float tensor, shape (batch, length, width)
        bias : float tensor, shape (heads, length, seen)
            Added to the products of queries and keys; minus infinity for what is not seen.
        past : pair of tensors, optional
            Keys and values of the tokens before these, (batch, heads, seen - length, width / heads)
            each.
        """
        asked = self.ask(self.norm(features)).unflatten(2, (3, self.heads, -1))
        queries, keys, values = asked.permute(
            2, 0, 3, 1, 4
        )  # (batch, heads, length, width / heads)
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        mixed = functional.scaled_dot_product_attention(queries, keys, values, attn_mask=bias)
        features = features + self.mix(mixed.transpose(1, 2).flatten(2))
        return features + self.own(self.own_norm(features)), (keys, values)


class Transformer(nn.Module):
    """Writes tables; its width is `vae.config.ModelConfig.channels`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = Vocabulary(config)
        self.start_name = self.vocabulary.size
        """The name of the token before the first one."""
        self.embed = nn.Embedding(self.vocabulary.size + 1, config.embedding)
        self.letters = nn.Embedding(config.k, config.embedding)
        self.size, self.places = Size(config), Places(config)
        width = config.channels
        given = 2 * config.embedding + self.size.width + self.places.width
        self.read = nn.Linear(given, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(config.convolutions))
        self.biases = zeros(nn.Embedding(config.n * config.k, gcd(width, _HEADS)))
        self.norm = nn.LayerNorm(width)
        self.names = zeros(nn.Linear(width, self.vocabulary.size))

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the logits (batch, n, k, targets) of tokens (batch, n, k), all at once."""
        batch, n, k = tokens.shape
        names = self.vocabulary.name(tokens).flatten(2)  # (names, batch, n * k)
        before = functional.pad(names[:, :, :-1], (1, 0), value=self.start_name)
        features = self.read(torch.cat([self.embed(before).sum(0), self._given(batch, n)], 2))
        bias = self._bias(n * k)
        for block in self.blocks:
            features, _ = block(features, bias)
        scores = self.names(self.norm(features))
        table = self.vocabulary.table(n).repeat_interleave(k, 1)[:, None]
        return sum_names(scores, table).unflatten(1, (n, k))  # type: ignore[no-any-return]

    def loss(self, tokens: Tensor) -> Tensor:
        """Return the mean cross-entropy of tokens (batch, n, k), in nats a token."""
        return functional.cross_entropy(self(tokens).flatten(0, 2), tokens.flatten())

    @torch.no_grad()
    def generate(
        self, batch: int, n: int, temperature: float, generator: torch.Generator
    ) -> Tensor:
        """Write tables token by token; keys and values of earlier tokens are kept.

        Parameters
        ----------
        batch, n : int
            Number of tables and of states.
        temperature : float
            Logits are divided by it; 0 takes the most probable targets.
        generator : torch.Generator
            On the model's device.

        Returns
        -------
        int64 tensor, shape (batch, n, k)

        Raises
        ------
        NotFiniteError
            If a probability to sample by is not finite.
        """
        k = self.config.k
        given, bias, table = self._given(batch, n), self._bias(n * k), self.vocabulary.table(n)
        before = table.new_full((len(table), batch), self.start_name)
        past: list[tuple[Tensor, Tensor] | None] = [None] * len(self.blocks)
        written = []
        for place in range(n * k):
            own = slice(place, place + 1)
            embedded = self.embed(before).sum(0)[:, None]
            features = self.read(torch.cat([embedded, given[:, own]], 2))
            for number, block in enumerate(self.blocks):
                features, past[number] = block(features, bias[:, own, : place + 1], past[number])
            names = table[:, place // k]  # (names, targets)
            scores = self.names(self.norm(features[:, 0]))
            written.append(choose(sum_names(scores, names[:, None]), temperature, generator))
            before = names[:, written[-1]]
        return torch.stack(written, 1).unflatten(1, (n, k))  # type: ignore[no-any-return]

    def _given(self, batch: int, n: int) -> Tensor:
        """Return what is known of each token beforehand: (batch, n * k, width)."""
        k = self.config.k
        states = self.places(self.letters.weight.new_empty(1, n, 0))[0]  # (n, width)
        letters = self.letters.weight.repeat(n, 1)  # (n * k, embedding)
        given = torch.cat([letters, states.repeat_interleave(k, 0)], 1)
        return self.size(given, n).expand(batch, -1, -1)  # type: ignore[no-any-return]

    def _bias(self, length: int) -> Tensor:
        """Return the biases of attention by distance: (heads, length, length)."""
        places = torch.arange(length, device=self.biases.weight.device)
        back = places[:, None] - places  # (length, length): tokens back
        bias = self.biases.weight[back.clamp(min=0)].permute(2, 0, 1)
        return bias.masked_fill(back < 0, -torch.inf)
