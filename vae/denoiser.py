"""A masked model of transition tables: it fills in the transitions that are hidden.

It is an absorbing-state diffusion model (Austin et al. 2021, D3PM): noise hides transitions, and
the model learns to guess them from those that are left, by cross-entropy on the hidden ones alone
(Sahoo et al. 2024). Here the noise is made for edits: a *block* of one or two states is hidden with
what touches it, and a share of all other transitions.

The known transitions are a graph. Each layer mixes a state with its neighbours in the numbering,
and for each letter with the target of its transition and with the sources of those that lead to it.
A target's score is the sum of those of its names (`vae.encoding`) and of a pointer product, in
which source and target meet. Size and places are conditions, as in `vae.model`. One more may be a
point of a VAE's latent space: it says what the whole automaton is like, also what is hidden.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from vae.conditions import Places, Size, Vocabulary, sum_names, zeros
from vae.config import ModelConfig
from vae.model import VAE, choose
from vae.posteriors import Posterior

BORDER = (0.3, 0.9)
"""Least and largest share of the transitions beside a block that are hidden with it."""
_BLIND = 0.3
"""Share of the examples of training without a point, so that the known transitions count too."""


class Layer(nn.Module):
    """Mixes each state with its neighbours: in the numbering, and along the letters both ways."""

    def __init__(self, width: int, k: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.message = nn.Linear(width, width // 2)
        self.mix = nn.Linear(width + (2 + 2 * k) * (width // 2), width)
        self.output = nn.Linear(width, width)

    def forward(self, features: Tensor, edges: Tensor) -> Tensor:
        """Return new features (batch, n, width) of states.

        ``edges`` (batch, k, n, n) is 1 where a letter is known to lead state q to state t, [q, t].
        """
        own = self.norm(features)
        sent = self.message(own)  # (batch, n, width / 2)
        beside = functional.pad(sent, (0, 0, 1, 1))
        targets, sources = edges @ sent[:, None], edges.mT @ sent[:, None]  # (batch, k, n, ...)
        parts = [own, beside[:, :-2], beside[:, 2:], *targets.unbind(1), *sources.unbind(1)]
        mixed = functional.gelu(self.mix(torch.cat(parts, 2)))
        return features + self.output(mixed)  # type: ignore[no-any-return]


class Denoiser(nn.Module):
    """Scores the targets of hidden transitions; its width is `vae.config.ModelConfig.channels`.

    Parameters
    ----------
    config : ModelConfig
    conditioned : bool
        Whether it reads points of the latent space of a VAE, which `follow` names.
    """

    def __init__(self, config: ModelConfig, *, conditioned: bool = False) -> None:
        super().__init__()
        self.config = config
        self.vocabulary = Vocabulary(config)
        self.hidden_name = self.vocabulary.size
        """The name of every hidden target."""
        self.embed = nn.Embedding(self.vocabulary.size + 1, config.embedding)
        self.size, self.places = Size(config), Places(config)
        width, k = config.channels, config.k
        self.read = nn.Linear(k * config.embedding + self.size.width + self.places.width, width)
        self.point = zeros(nn.Linear(config.latent, width, bias=False)) if conditioned else None
        self._posterior: Callable[[Tensor], Posterior] | None = None
        self.layers = nn.ModuleList(Layer(width, k) for _ in range(config.convolutions))
        self.norm = nn.LayerNorm(width)
        self.names = zeros(nn.Linear(width, k * self.vocabulary.size))
        self.source, self.target = nn.Linear(width, k * width), nn.Linear(width, width)

    def follow(self, vae: VAE) -> None:
        """Read points of this VAE from now on; its weights are neither trained nor saved here."""
        self._posterior = vae.posterior

    @torch.no_grad()
    def points(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Return a posterior sample of each automaton: (batch, latent), (batch, 0) without VAE."""
        if self._posterior is None:
            return torch.zeros(len(tokens), 0, device=tokens.device)
        return self._posterior(tokens).sample(generator)

    def forward(self, tokens: Tensor, hidden: Tensor, z: Tensor | None = None) -> Tensor:
        """Return the logits (batch, n, k, targets) of all transitions.

        Parameters
        ----------
        tokens : int64 tensor, shape (batch, n, k)
        hidden : bool tensor, shape (batch, n, k)
            The transitions whose tokens are not read.
        z : float tensor, shape (batch, latent), optional
        """
        batch, n, k = tokens.shape
        names = self.vocabulary.name(tokens).masked_fill(hidden, self.hidden_name)
        embedded = self.embed(names).sum(0).flatten(2)  # (batch, n, k * embedding)
        size = self.size(embedded.new_empty(batch, 0), n)[:, None].expand(-1, n, -1)
        features = self.read(self.places(torch.cat([embedded, size], 2)))
        if self.point is not None and z is not None:
            features = features + self.point(z)[:, None]
        edges = _edges(tokens, hidden).to(features)
        for layer in self.layers:
            features = layer(features, edges)
        features = self.norm(features)
        scores = self.names(features).view(batch, n, k, -1)
        table = self.vocabulary.table(n)[:, None, :, None]  # (names, 1, n, 1, targets)
        return sum_names(scores, table) + self._point(features)

    def _point(self, features: Tensor) -> Tensor:
        """Return the pointer products of sources and targets; undefined, no state, has 0."""
        batch, n, width = features.shape
        sources = self.source(features).view(batch, -1, width)  # (batch, n * k, width)
        products = sources @ self.target(features).mT / width**0.5
        products = functional.pad(products, (0, int(self.config.partial)))
        return products.view(batch, n, self.config.k, -1)

    def loss(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """Return the mean cross-entropy of transitions that are hidden at random, in nats.

        Blocks of one and two states are hidden as `hide` does, and a share u^3 of all other
        transitions, u uniform for each automaton. A conditioned model sees a point of most of them.
        """
        batch, n, _ = tokens.shape
        uniform = torch.rand(batch, generator=generator, device=tokens.device)
        pairs = torch.rand(batch, generator=generator, device=tokens.device) < 0.5
        one, two = (draw_blocks(batch, n, min(s, n), generator) for s in (1, 2))
        hidden = hide(tokens, torch.where(pairs[:, None], two, one), uniform**3, generator)
        z = self.points(tokens, generator)
        if self.point is not None:
            z = z * (torch.rand(batch, 1, generator=generator, device=tokens.device) >= _BLIND)
        logits = self(tokens, hidden, z)
        return functional.cross_entropy(logits[hidden], tokens[hidden])

    @torch.no_grad()
    def fill(
        self,
        tokens: Tensor,
        hidden: Tensor,
        generator: torch.Generator,
        *,
        passes: int,
        temperature: float,
        certain_first: bool,
        z: Tensor | None = None,
    ) -> Tensor:
        """Fill in hidden transitions in several passes, about equally many in each.

        A pass samples all that is hidden, and keeps a part: in random order, or the most certain
        ones first (Chang et al. 2022, MaskGIT).

        Parameters
        ----------
        tokens : int64 tensor, shape (batch, n, k)
        hidden : bool tensor, shape (batch, n, k)
        generator : torch.Generator
            On the model's device.
        passes : int
        temperature : float
            Logits are divided by it; 0 takes the most probable target.
        certain_first : bool
        z : float tensor, shape (batch, latent), optional

        Returns
        -------
        int64 tensor, shape (batch, n, k)
            Without anything hidden.

        Raises
        ------
        NotFiniteError
            If a probability to sample by is not finite.
        """
        first = hidden.flatten(1).sum(1)  # (batch,)
        for left in reversed(range(passes)):
            logits = self(tokens, hidden, z)[hidden]  # (hidden, targets)
            tokens = tokens.masked_scatter(hidden, choose(logits, temperature, generator))
            order = torch.rand(tokens.shape, generator=generator, device=tokens.device)
            if certain_first:
                chances = logits.log_softmax(1).gather(1, tokens[hidden][:, None]).squeeze(1)
                order = order.masked_scatter(hidden, chances)
            # the least certain ones stay hidden
            ranks = order.masked_fill(~hidden, torch.inf).flatten(1).argsort(1).argsort(1)
            stay = ranks < (first * left / passes).floor()[:, None]
            hidden = stay.view(hidden.shape)
        return tokens

    @torch.no_grad()
    def certainty(
        self,
        tokens: Tensor,
        hidden: Tensor,
        generator: torch.Generator,
        *,
        passes: int,
        z: Tensor | None = None,
    ) -> Tensor:
        """Return how likely the model finds transitions, given the others: (batch,).

        It is the mean log-probability of those marked as hidden. They become known in several
        passes, in random order, and each is guessed from what is known before its pass.

        Parameters
        ----------
        tokens : int64 tensor, shape (batch, n, k)
            Without anything hidden.
        hidden : bool tensor, shape (batch, n, k)
        generator : torch.Generator
            On the model's device.
        passes : int
        z : float tensor, shape (batch, latent), optional
        """
        turns = torch.randint(passes, tokens.shape, generator=generator, device=tokens.device)
        total = torch.zeros(len(tokens), device=tokens.device)
        for turn in range(passes):
            scores = self(tokens, hidden & (turns >= turn), z).log_softmax(3)
            own = scores.gather(3, tokens[..., None]).squeeze(3)  # (batch, n, k)
            total += (own * (hidden & (turns == turn))).sum((1, 2))
        return total / hidden.sum((1, 2)).clamp(min=1)


def draw_blocks(batch: int, n: int, states: int, generator: torch.Generator) -> Tensor:
    """Mark states at random: one block, or for half of the automata single ones.

    Parameters
    ----------
    batch, n : int
    states : int
        Number of states to mark in each automaton, at most n.
    generator : torch.Generator

    Returns
    -------
    bool tensor, shape (batch, n)

    Examples
    --------
    >>> draw_blocks(3, 6, 2, torch.Generator().manual_seed(0)).sum(1).tolist()
    [2, 2, 2]
    """
    device = generator.device
    places = torch.arange(n, device=device)
    starts = torch.randint(n - states + 1, (batch, 1), generator=generator, device=device)
    block = (places >= starts) & (places < starts + states)
    ranks = torch.rand(batch, n, generator=generator, device=device).argsort(1)
    single = torch.rand(batch, 1, generator=generator, device=device) < 0.5
    return torch.where(single, ranks < states, block)


def hide(tokens: Tensor, block: Tensor, share: Tensor, generator: torch.Generator) -> Tensor:
    """Choose what is hidden: a block, what touches it, and a share of all other transitions.

    All transitions from the block and into it are hidden; so is a random share, in `BORDER`, of
    those from and into the states beside it in the numbering.

    Parameters
    ----------
    tokens : int64 tensor, shape (batch, n, k)
    block : bool tensor, shape (batch, n)
    share : float tensor, shape (batch,)
    generator : torch.Generator

    Returns
    -------
    bool tensor, shape (batch, n, k)

    Examples
    --------
    >>> cycle, block = torch.tensor([[[1], [2], [3], [0]]]), torch.eye(4)[:1].bool()
    >>> hide(cycle, block, torch.zeros(1), torch.Generator().manual_seed(0)).flatten().tolist()
    [True, True, False, True]
    """
    beside = functional.pad(block, (1, 1))
    beside = beside[:, :-2] | beside[:, 2:]
    least, most = BORDER
    drawn = torch.rand(len(tokens), 1, 1, generator=generator, device=tokens.device)
    shares = torch.where(_touched(tokens, beside), least + (most - least) * drawn, 0.0)
    shares = torch.maximum(shares, share[:, None, None])
    chance = torch.rand(tokens.shape, generator=generator, device=tokens.device)
    return _touched(tokens, block) | (chance < shares)


def insert(tokens: Tensor, block: Tensor) -> Tensor:
    """Number the states of automata so that those of a block are new.

    Parameters
    ----------
    tokens : int64 tensor, shape (batch, size, k)
        Of partial automata too.
    block : bool tensor, shape (batch, n)
        The new states, n - size in each row.

    Returns
    -------
    int64 tensor, shape (batch, n, k)
        The transitions of new states lead to state 0.

    Examples
    --------
    >>> block = torch.tensor([[False, True, False]])
    >>> insert(torch.tensor([[[1], [0]]]), block).flatten().tolist()
    [2, 0, 0]
    """
    batch, size, k = tokens.shape
    n = block.shape[1]
    places = block.long().argsort(dim=1, stable=True)[
        :, :size
    ]  # (batch, size): where the old ones go
    numbers = functional.pad(places, (0, 1), value=n)  # undefined stays so
    grown = tokens.new_zeros(batch, n, k)
    renamed = numbers.gather(1, tokens.flatten(1)).view(tokens.shape)
    return grown.scatter(1, places[:, :, None].expand(-1, -1, k), renamed)


def _touched(tokens: Tensor, marked: Tensor) -> Tensor:
    """Return which transitions lead from or into marked states, both bool: (batch, n, k)."""
    reached = functional.pad(marked, (0, 1)).gather(1, tokens.flatten(1)).view(tokens.shape)
    return reached | marked[:, :, None]


def _edges(tokens: Tensor, hidden: Tensor) -> Tensor:
    """Return where letters are known to lead: bool (batch, k, n, n), [q, t]."""
    states = torch.arange(tokens.shape[1], device=tokens.device)
    return ((tokens[..., None] == states) & ~hidden[..., None]).transpose(1, 2)
