"""Random automata of every kind: letters that random maps seldom are, and parts side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from automata.deltas import UNDEFINED

States = npt.NDArray[np.int64]


def random_batch(
    rng: np.random.Generator, count: int, n: int, k: int
) -> npt.NDArray[np.uint8 | np.uint16]:
    """Automata of one size, (count, k, n): half of them uniform, half structured."""
    deltas = rng.integers(0, n, (count, k, n))
    for row in range(0, count, 2):
        deltas[row] = structured(rng, n, k)
    return deltas.astype(np.uint8 if n <= 256 else np.uint16)


def renamed(rng: np.random.Generator, deltas: Any) -> Any:
    """The same automata, complete or partial, with other names for states and letters."""
    _, k, n = deltas.shape
    states, letters = rng.permutation(n), rng.permutation(k)
    names = np.full(max(n, UNDEFINED + 1), UNDEFINED, deltas.dtype)
    names[:n] = states
    alike = np.empty_like(deltas)
    alike[:, :, states] = names[deltas[:, letters]]
    return alike


def structured(rng: np.random.Generator, n: int, k: int) -> States:
    """One automaton (k, n) with structured letters, sometimes of two parts, its states renamed."""
    cut = int(rng.integers(1, n)) if n > 1 and rng.random() < 0.15 else n
    rows: list[States] = []
    for _ in range(k):
        if rows and rng.random() < 0.1:
            rows.append(rows[rng.integers(len(rows))])
            continue
        parts = [_letter(rng, cut)] + ([cut + _letter(rng, n - cut)] if cut < n else [])
        rows.append(np.concatenate(parts))
    if cut < n and rng.random() < 0.5:  # the parts are joined by one arrow
        rows[0] = rows[0].copy()
        rows[0][rng.integers(cut)] = rng.integers(cut, n)
    names = rng.permutation(n)
    delta = np.empty((k, n), np.int64)
    delta[:, names] = names[np.stack(rows)]
    return delta


def _letter(rng: np.random.Generator, n: int) -> States:
    """The images under one letter."""
    states = np.arange(n)
    kind = rng.integers(8)
    if kind == 0:
        return rng.integers(0, n, n)
    if kind == 1:
        return rng.permutation(n)
    if kind == 2:
        return np.full(n, rng.integers(n))
    if kind == 3:
        return np.maximum(states - rng.integers(0, 2, n), 0)
    if kind == 4:  # of low rank
        return rng.choice(rng.integers(0, n, max(1, n // 3)), n)
    images = (states + 1) % n if kind <= 6 else states.copy()  # a cycle, or the identity,
    if kind >= 6:  # with an exception
        images[rng.integers(n)] = rng.integers(n)
    return images
