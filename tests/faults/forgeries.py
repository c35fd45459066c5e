"""Certificates that are forged: none may pass that claims something false."""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests import naive
from tests.faults import server
from tests.faults.random_automata import structured
from tests.faults.tallies import Case, Kind, Tally

_AT_ONCE = 200
_MOST_STATES = 7


def cases(scale: float) -> Sequence[Case]:
    """A hundred thousand forgeries."""
    _forge_many(0)  # what it compiles is there for the children
    return [Case("certificates", 100_000 // _AT_ONCE)]


def play(case: Case, number: int) -> Tally:
    """Forge certificates and judge what passes by plain Python."""
    found, answer = server.compute(lambda: _forge_many(number))
    if found is None:
        return Tally({"crashes": 1}, [answer.last_words])
    counts, wrong = found
    return Tally(counts, wrong[:10])


def _forge_many(number: int) -> tuple[dict[str, int], list[str]]:
    from automata import CertificateError, certificate, check_certificate

    chance, rng = random.Random(f"forgeries {number}"), np.random.default_rng(number)
    counts, wrong = Counter[str](), []
    while counts["forgeries"] < _AT_ONCE:
        n, k = chance.randint(1, _MOST_STATES), chance.randint(1, 3)
        delta = structured(rng, n, k) if chance.random() < 0.5 else rng.integers(0, n, (k, n))
        proof = certificate(delta)
        for _ in range(10):
            forged = proof
            for _ in range(chance.choice((1, 1, 2, 3))):
                forged = _forge(forged, chance)
            counts["forgeries"] += 1
            try:
                check_certificate(forged)
            except CertificateError:
                counts["refused"] += 1
                continue
            except Exception as error:
                counts["tracebacks"] += 1
                wrong.append(f"{type(error).__name__}: {error}: {_told(forged)}")
                continue
            true = naive.reset_threshold(np.asarray(forged.delta).tolist())
            if forged.threshold == true:
                counts["still true"] += 1
            else:
                counts["accepted"] += 1
                wrong.append(f"the threshold is {true}: {_told(forged)}")
    return counts, wrong


def _forge(proof: Any, chance: random.Random) -> Any:
    """Change a certificate; one that is broken already may be none to change."""
    try:
        return chance.choice(_FORGERIES)(proof, chance)
    except (AttributeError, IndexError, TypeError, ValueError):
        return proof


def _told(forged: Any) -> str:
    try:
        return forged.to_json()
    except Exception:
        return repr(forged)


Forgery = Callable[[Any, random.Random], Any]


def _other_threshold(proof: Any, chance: random.Random) -> Any:
    """Another claim, nothing else."""
    values = (None, 0, (proof.threshold or 0) + chance.choice((-2, -1, 1, 2)), True, 1.0, "1")
    return dataclasses.replace(proof, threshold=chance.choice(values))


def _longer(proof: Any, chance: random.Random) -> Any:
    """One more than is true: a word that resets, and a level that is there twice."""
    if proof.threshold is None:
        return proof
    letter = chance.randrange(len(proof.delta))
    word = (*proof.word, letter) if chance.random() < 0.5 else (letter, *proof.word)
    side = chance.choice(("forward", "backward"))
    levels = [*getattr(proof, side)]
    place = chance.randrange(len(levels) + 1)
    more = levels[place - 1] if levels else np.array([(1 << proof.delta.shape[1]) - 1], np.uint64)
    levels.insert(place, chance.choice((more, more[:1], more[:0], _random_sets(proof, chance))))
    return dataclasses.replace(
        proof, threshold=proof.threshold + 1, word=word, **{side: tuple(levels)}
    )


def _shorter(proof: Any, chance: random.Random) -> Any:
    """One less than is true: a level and a letter are left out."""
    side = chance.choice(("forward", "backward"))
    levels = [*getattr(proof, side)]
    if not proof.word or not levels:
        return proof
    del levels[chance.randrange(len(levels))]
    place = chance.randrange(len(proof.word))
    word = proof.word[:place] + proof.word[place + 1 :]
    return dataclasses.replace(
        proof, threshold=proof.threshold - 1, word=word, **{side: tuple(levels)}
    )


def _no_word(proof: Any, chance: random.Random) -> Any:
    """The claim that nothing resets it, with a family of sets."""
    levels = (*proof.forward, *proof.backward, _random_sets(proof, chance))
    family = np.concatenate(chance.sample(levels, chance.randint(1, min(3, len(levels)))))
    return dataclasses.replace(proof, threshold=None, word=None, forward=(family,), backward=())


def _other_word(proof: Any, chance: random.Random) -> Any:
    """A word of the same length, or of another."""
    word = [*(proof.word or ())]
    k = len(proof.delta)
    if word and chance.random() < 0.7:
        word[chance.randrange(len(word))] = chance.choice((*range(k), -1, k, True, 0.0))
    else:
        word += [chance.randrange(k)]
    return dataclasses.replace(proof, word=tuple(word))


def _other_automaton(proof: Any, chance: random.Random) -> Any:
    """One transition leads elsewhere."""
    delta = np.array(proof.delta)
    k, n = delta.shape
    delta[chance.randrange(k), chance.randrange(n)] = chance.choice((*range(n), n))
    return dataclasses.replace(proof, delta=delta)


def _other_sets(proof: Any, chance: random.Random) -> Any:
    """Sets of a level are dropped, added, grown, shrunk, or stand in another level."""
    side = chance.choice(("forward", "backward"))
    levels = [np.array(level) for level in getattr(proof, side)]
    if not levels:
        return proof
    place = chance.randrange(len(levels))
    level = levels[place]
    bit = np.uint64(1 << chance.randrange(proof.delta.shape[1]))
    levels[place] = chance.choice(
        (
            level[np.array([chance.random() < 0.7 for _ in level], bool)],
            np.concatenate([level, _random_sets(proof, chance)]),
            level | bit,
            level & ~bit,
            level ^ bit,
            level[:0],
            np.concatenate(levels),
            level << np.uint64(1),
        )
    )
    if chance.random() < 0.2:
        chance.shuffle(levels)
    return dataclasses.replace(proof, **{side: tuple(levels)})


def _other_kind(proof: Any, chance: random.Random) -> Any:
    """A part of another type, or shape."""
    name = chance.choice(("delta", "word", "forward", "backward"))
    value = getattr(proof, name)
    wrong: list[Any] = [None, [], value if value is None else list(value), 0, "", (value,)]
    if name in ("forward", "backward"):
        wrong += [tuple(level.astype(np.int64) for level in value)]
        wrong += [tuple(level.astype(np.float64) for level in value)]
        wrong += [tuple(level[:, None] for level in value)]
    return dataclasses.replace(proof, **{name: chance.choice(wrong)})


def _exchanged(proof: Any, chance: random.Random) -> Any:
    """What is forward stands backward."""
    return dataclasses.replace(proof, forward=proof.backward, backward=proof.forward)


def _random_sets(proof: Any, chance: random.Random) -> Any:
    most = (1 << proof.delta.shape[1]) - 1
    return np.array([chance.randint(0, most) for _ in range(chance.randint(1, 3))], np.uint64)


_FORGERIES: Sequence[Forgery] = (
    _other_threshold, _longer, _longer, _longer, _shorter, _no_word, _other_word,
    _other_automaton, _other_automaton, _other_sets, _other_sets, _other_kind, _exchanged,
)  # fmt: skip

KIND = Kind(
    "forgeries",
    "Certificates of automata with up to 7 states and 3 letters are changed in one to three places:"
    " in a claim, a word, a level, a set or the automaton. If the checker accepts the result, plain"
    " Python decides whether it is still true. If not, it counts as accepted.",
    ("forgeries", "refused", "still true", "accepted", "tracebacks", "crashes"),
    ("accepted", "tracebacks", "crashes"),
    cases,
    play,
)
