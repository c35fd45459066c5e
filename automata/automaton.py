"""The automaton as an object, and what functions take as one automaton."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

import automata  # methods look up its functions when called: their modules import this one
from automata.deltas import Deltas, check_complete, has_undefined, state_dtype, validate_table
from automata.errors import AutomatonError as AutomatonError
from automata.errors import SizeLimitError as SizeLimitError
from automata.sizes import cerny_bound

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, init=False, repr=False)
class Automaton:
    """One deterministic automaton, complete or partial, immutable and validated.

    Each method calls a function of this package, which documents errors, cost and source.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        ``delta[a, q]`` is the state that letter ``a`` leads state ``q`` to, or
        `automata.deltas.UNDEFINED`. Any integer dtype, nested sequence of integers, or text such as
        ``"1 2 3 0|0 1 2 0"``: the images under each letter, separated by blanks, and ``|`` between
        letters. In nested sequences None is undefined, in text ``-``.

    Raises
    ------
    AutomatonError
        If an entry is missing, not an integer, or neither a state nor undefined.

    Examples
    --------
    >>> cerny = Automaton([[1, 2, 3, 0], [0, 1, 2, 0]])
    >>> cerny.n, cerny.k, cerny.cerny_bound
    (4, 2, 9)
    >>> cerny == Automaton("1 2 3 0|0 1 2 0")
    True
    >>> Automaton("1 - 0|0 1 2").is_partial
    True
    """

    __match_args__ = ("delta",)

    _shape: tuple[int, int]
    _content: bytes  # unlike an array's own memory, it cannot be made writable

    def __init__(self, delta: AutomatonLike) -> None:
        own = validate_delta(delta, partial=True)
        object.__setattr__(self, "_shape", own.shape)
        object.__setattr__(self, "_content", own.tobytes())

    @property
    def delta(self) -> Deltas:
        """The transition table, array of `state_dtype`, shape (k, n); always read-only."""
        # a new view each time: callers can change the shape of a view
        own: Deltas = np.frombuffer(self._content, state_dtype(self._shape[1]))
        return own.reshape(self._shape)

    @property
    def n(self) -> int:
        """Number of states."""
        return self._shape[1]

    @property
    def k(self) -> int:
        """Number of letters."""
        return self._shape[0]

    @property
    def cerny_bound(self) -> int:
        """Černý's conjectured upper bound on the reset threshold, (n-1)^2.

        Raises
        ------
        AutomatonError
            If the automaton is partial: careful words may be longer.
        """
        check_complete(self.delta[None])
        return cerny_bound(self.n)

    @property
    def is_partial(self) -> bool:
        """Whether a letter is undefined on some state."""
        return has_undefined(self.delta)

    def reset_threshold(
        self, *, memory_limit: int | None = None, time_limit: float | None = None
    ) -> int | None:
        """Return the length of a shortest reset word, None if there is none.

        `memory_limit` is in bytes, `time_limit` in seconds.
        See `automata.solver.exact.reset_threshold`.

        Examples
        --------
        >>> Automaton("1 2 3 0|0 1 2 0").reset_threshold()
        9
        """
        return automata.reset_threshold(self, memory_limit=memory_limit, time_limit=time_limit)

    def reset_word(
        self, *, memory_limit: int | None = None, time_limit: float | None = None
    ) -> tuple[int, ...] | None:
        """Return a shortest reset word, None if there is none.

        `memory_limit` is in bytes, `time_limit` in seconds.
        See `automata.solver.exact.shortest_reset_word`.

        Examples
        --------
        >>> Automaton("1 2 0|0 1 0").reset_word()
        (1, 0, 0, 1)
        """
        return automata.shortest_reset_word(self, memory_limit=memory_limit, time_limit=time_limit)

    def careful_threshold(
        self, *, memory_limit: int | None = None, time_limit: float | None = None
    ) -> int | None:
        """Return the length of a shortest careful word, None if there is none.

        `memory_limit` is in bytes, `time_limit` in seconds.
        See `automata.solver.careful.careful_threshold`.

        Examples
        --------
        >>> Automaton("1 2 -|1 1 0").careful_threshold()
        2
        """
        return automata.careful_threshold(self, memory_limit=memory_limit, time_limit=time_limit)

    def careful_word(
        self, *, memory_limit: int | None = None, time_limit: float | None = None
    ) -> tuple[int, ...] | None:
        """Return a shortest careful word, None if there is none.

        `memory_limit` is in bytes, `time_limit` in seconds.
        See `automata.solver.careful.shortest_careful_word`.

        Examples
        --------
        >>> Automaton("1 2 -|1 1 0").careful_word()
        (1, 1)
        """
        return automata.shortest_careful_word(
            self, memory_limit=memory_limit, time_limit=time_limit
        )

    def apply(
        self, word: Iterable[int] | str, states: Iterable[int] | None = None
    ) -> tuple[int | None, ...]:
        """Return the image of each of some states under a word, by default of all states.

        None where the word is undefined. See `automata.action.apply_word`.

        Examples
        --------
        >>> Automaton("1 2 0|0 1 0").apply("ab"), Automaton("1 2 0|0 1 0").apply("ab", [2, 2, 0])
        ((1, 0, 0), (0, 0, 1))
        """
        return automata.apply_word(self, word, states)

    def image(
        self, word: Iterable[int] | str, states: Iterable[int] | None = None
    ) -> frozenset[int]:
        """Return the image of a set of states under a word, by default of all states.

        `AutomatonError` if the word is undefined on one of them. See `automata.action.image`.

        Examples
        --------
        >>> sorted(Automaton("1 2 0|0 1 0").image("ab")), Automaton("1 2 0|0 1 0").image("baab")
        ([0, 1], frozenset({0}))
        """
        return automata.image(self, word, states)

    def preimage(self, word: Iterable[int] | str, states: Iterable[int]) -> frozenset[int]:
        """Return the preimage of a set of states: all states that a word leads into it.

        See `automata.action.preimage`.

        Examples
        --------
        >>> sorted(Automaton("1 2 0|0 1 0").preimage("ab", [0]))
        [1, 2]
        """
        return automata.preimage(self, word, states)

    def rank(self) -> int:
        """Return the rank, the least size of Q w over all words w.

        See `automata.solver.ranks.rank`.

        Examples
        --------
        >>> Automaton("1 0 3 2|0 0 2 2").rank()
        2
        """
        return automata.rank(self)

    def is_synchronizing(self) -> bool:
        """Return whether there is a reset word.

        See `automata.solver.ranks.is_synchronizing`.

        Examples
        --------
        >>> Automaton("1 0|0 1").is_synchronizing()
        False
        """
        return automata.is_synchronizing(self)

    def is_isomorphic(self, other: AutomatonLike) -> bool:
        """Return whether another automaton differs only in the names of states and letters.

        See `automata.canonical.are_isomorphic`.

        Examples
        --------
        >>> Automaton("1 0|0 0").is_isomorphic("1 1|1 0")
        True
        """
        return automata.are_isomorphic(self, other)

    def canonical(self) -> Automaton:
        """Return the automaton in canonical form, the same for all isomorphic automata.

        See `automata.canonical.canonical_forms`.

        Examples
        --------
        >>> Automaton("2 1 2|2 0 1").canonical() == Automaton("1 2 0|0 1 0").canonical()
        True
        """
        forms = automata.canonical_forms(self.delta[None])
        return Automaton(automata.from_canonical(forms, self.n, self.k, partial=True)[0])

    def classes(self) -> tuple[str, ...]:
        """Return its classes among `automata.classes.CLASSES`, by name; n <= 20.

        See `automata.properties.class_flags`.

        Examples
        --------
        >>> Automaton("0 1|0 1").classes()
        ('sink', 'permutation-letter', 'aperiodic')
        """
        flags = int(automata.class_flags(self.delta[None])[0])
        return tuple(name for bit, name in enumerate(automata.CLASSES) if flags >> bit & 1)

    def family(self) -> str | None:
        """Return the name of the known family or example isomorphic to it, None without one.

        See `automata.identification.identify`.

        Examples
        --------
        >>> Automaton("1 2 3 0|0 1 2 0").family(), Automaton("0 0|0 0").family()
        ('C', None)
        >>> Automaton("1 2 3 - -|1 1 2 4 0").family()
        'P(5,1)'
        """
        return automata.identify(self.delta[None])[0] or None

    def to_text(self) -> str:
        """Return one line of text, which `Automaton` and all functions of one automaton read.

        See `automata.text.formats.format_delta`.

        Examples
        --------
        >>> Automaton([[1, 2, 0], [0, 1, 0]]).to_text()
        '1 2 0|0 1 0'
        """
        return automata.format_delta(self)

    def to_gap(self) -> str:
        """Return the transition table as lists for GAP, where states count from 1.

        See `automata.text.formats.format_gap`.

        Examples
        --------
        >>> Automaton("1 2 0|0 1 0").to_gap()
        '[ [ 2, 3, 1 ], [ 1, 2, 1 ] ]'
        """
        return automata.format_gap(self)

    def to_dot(self) -> str:
        """Return a graph in the DOT language of Graphviz.

        See `automata.text.formats.format_dot`.

        Examples
        --------
        >>> print(Automaton("0 0").to_dot(), end="")
        digraph automaton {
          node [shape=circle];
          0 -> 0 [label="a"];
          1 -> 0 [label="a"];
        }
        """
        return automata.format_dot(self)

    def to_json(self) -> str:
        """Return a list of the images under each letter, in JSON.

        See `automata.text.formats.format_json`.

        Examples
        --------
        >>> Automaton("1 2 0|0 1 0").to_json()
        '[[1, 2, 0], [0, 1, 0]]'
        """
        return automata.format_json(self)

    def to_networkx(self) -> nx.MultiDiGraph:
        """Return a graph with one edge for each state and letter.

        See `automata.text.graph.to_networkx`.

        Examples
        --------
        >>> list(Automaton("1 1|1 0").to_networkx().edges(data="label"))
        [(0, 1, 'a'), (0, 1, 'b'), (1, 1, 'a'), (1, 0, 'b')]
        """
        return automata.to_networkx(self)

    def draw(self) -> str:
        """Draw the automaton, its states on a circle, as the text of an SVG file.

        A notebook shows this drawing for an `Automaton`. See `automata.drawing.svg.automaton_svg`.

        Examples
        --------
        >>> Automaton("1 2 0|0 1 0").draw().startswith("<svg xmlns=")
        True
        """
        return automata.automaton_svg(self)

    def __repr__(self) -> str:
        return f"Automaton(delta={self.delta!r})"

    def __reduce__(self) -> tuple[type[Automaton], tuple[Deltas]]:
        return Automaton, (self.delta,)  # copies are validated and read-only too

    def _repr_html_(self) -> str:
        return automata.automaton_html(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        html = self._repr_html_()
        start, end = html.find("<svg"), html.find("</svg>")  # one drawing, or none
        drawing = {"image/svg+xml": html[start : end + 6]} if start >= 0 else {}
        return {"text/plain": repr(self), "text/html": html} | drawing

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.delta, dtype=dtype, copy=copy)


AutomatonLike: TypeAlias = Automaton | npt.ArrayLike | str
"""The argument of every function of one automaton: an `Automaton`, an array of int of shape (k, n),
or one line of text such as ``"1 2 3 0|0 1 2 0"``. `validate_delta` converts it."""


def validate_delta(delta: AutomatonLike, *, partial: bool = False) -> Deltas:
    """Return a validated copy of one automaton.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Text is what `automata.text.formats.parse_delta` reads.
    partial : bool
        Whether letters may be undefined on states: `automata.deltas.UNDEFINED` in arrays, None in
        nested lists, ``-`` in text.

    Returns
    -------
    array of `state_dtype`, shape (k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `automata.deltas.validate_deltas`.

    Examples
    --------
    >>> validate_delta("1 2 0|0 1 0").tolist()
    [[1, 2, 0], [0, 1, 0]]
    >>> validate_delta([[1, None, 0]], partial=True).tolist()
    [[1, 255, 0]]
    """
    if isinstance(delta, str):
        return automata.parse_delta(delta, partial=partial)
    if type(delta) is Automaton:
        own = delta.delta.copy()
        if not partial:
            check_complete(own[None])
        return own
    return validate_table(delta, partial=partial)
