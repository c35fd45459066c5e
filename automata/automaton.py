"""The automaton, and its validation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

import automata  # methods look up its functions when called: their modules import this one
from automata.errors import AutomatonError as AutomatonError
from automata.errors import SizeLimitError as SizeLimitError
from automata.sizes import cerny_bound as cerny_bound

if TYPE_CHECKING:
    import networkx as nx

MAX_STATES = 5000
MAX_LETTERS = 64
UNDEFINED = 255
"""In a transition table: the letter is undefined on the state; such automata have n <= 255."""
_BYTES_AT_ONCE = 1 << 18  # copied, then checked while still in the cache

Deltas = npt.NDArray[np.uint8 | np.uint16]


@dataclass(frozen=True, init=False, repr=False)
class Automaton:
    """One deterministic automaton, complete or partial, immutable and validated.

    Each method calls a function of this package, which documents errors, cost and source.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        ``delta[a, q]`` is the state that letter ``a`` leads state ``q`` to, or `UNDEFINED`. Any
        integer dtype, nested sequence of integers, or text such as ``"1 2 3 0|0 1 2 0"``: the
        images under each letter, separated by blanks, and ``|`` between letters. In nested
        sequences None is undefined, in text ``-``.

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
        """Černý's conjectured upper bound on the reset threshold, (n-1)^2."""
        return cerny_bound(self.n)

    @property
    def is_partial(self) -> bool:
        """Whether a letter is undefined on some state."""
        return len(undefined_entries(self.delta)) > 0

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
        """Return its classes among `automata.properties.CLASSES`, by name; n <= 20.

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

        See `automata.families.identify`.

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


def state_dtype(n: int) -> type[np.uint8] | type[np.uint16]:
    """Return the dtype of the states of n-state automata: uint8 for n <= 256, else uint16."""
    return np.uint8 if n <= 256 else np.uint16


def validate_delta(delta: AutomatonLike, *, partial: bool = False) -> Deltas:
    """Return a validated copy of one automaton.

    Parameters
    ----------
    delta : Automaton, array of int, shape (k, n), or text
        Text is what `automata.text.formats.parse_delta` reads.
    partial : bool
        Whether letters may be undefined on states: `UNDEFINED` in arrays, None in nested lists,
        ``-`` in text.

    Returns
    -------
    array of `state_dtype`, shape (k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

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
            _check_complete(own[None])
        return own
    return validate_table(delta, partial=partial)


def validate_table(table: npt.ArrayLike, *, partial: bool = False) -> Deltas:
    """Return a validated copy of one automaton that is an array; text is refused.

    Parameters
    ----------
    table : array of int, shape (k, n)
    partial : bool
        As in `validate_delta`.

    Returns
    -------
    array of `state_dtype`, shape (k, n), C-contiguous

    Raises
    ------
    AutomatonError, SizeLimitError
        As `validate_deltas`.

    Examples
    --------
    >>> validate_table([[1, 2, 0], [0, 1, 0]]).shape
    (2, 3)
    """
    array = integer_array(_without_none(table, 2))
    if array.ndim != 2:
        raise AutomatonError(f"an automaton has shape (k, n), got shape {array.shape}")
    valid: Deltas = _validate(array[None], partial)[0]
    return valid


def validate_deltas(
    deltas: npt.ArrayLike | Sequence[Automaton], *, partial: bool = False
) -> Deltas:
    """Return a validated copy of many automata of one size.

    The copy itself is checked, and nobody else has it. So it stays valid whatever other threads or
    processes write to the caller's array. Compiled code does not check indices; it takes only such
    copies.

    Parameters
    ----------
    deltas : array of int, shape (batch, k, n)
        Any integer dtype, nested sequences of integers, or a list of `Automaton` or of text.
    partial : bool
        As in `validate_delta`.

    Returns
    -------
    array of `state_dtype`, shape (batch, k, n), C-contiguous
        Writable, and never memory of the input.

    Raises
    ------
    AutomatonError
        If the shape is wrong, or an entry is missing, not an integer, not in 0..n-1, or undefined
        where `partial` is False.
    SizeLimitError
        If n > 5,000 or k > 64, or n > 255 and an entry is undefined.

    Examples
    --------
    >>> validate_deltas([[[1, 2, 0], [0, 1, 0]]]).shape
    (1, 2, 3)
    >>> validate_deltas([[[1, 3, 0]]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: automaton 0, letter 0, state 1 leads to 3, outside 0..2
    >>> validate_deltas([[[1, None, 0]]])
    Traceback (most recent call last):
    automata.errors.AutomatonError: automaton 0, letter 0 is undefined on state 1: not complete
    """
    if isinstance(deltas, str):
        raise AutomatonError("one text is one automaton: many are a list of texts")
    if isinstance(deltas, list | tuple) and any(isinstance(delta, str) for delta in deltas):
        deltas = [validate_delta(delta, partial=partial) for delta in deltas]
    deltas = _without_none(deltas, 3)
    try:
        array = integer_array(deltas)
    except AutomatonError:
        if isinstance(deltas, list | tuple):
            check_one_size(deltas)
        raise
    if array.ndim != 3:
        raise AutomatonError(f"automata have shape (batch, k, n), got shape {array.shape}")
    return _validate(array, partial)


def undefined_entries(deltas: Deltas) -> npt.NDArray[np.int64]:
    """Return the places of undefined transitions in a validated table, one a row.

    Examples
    --------
    >>> undefined_entries(validate_delta("1 -|0 0", partial=True)).tolist()
    [[0, 1]]
    """
    if deltas.dtype != np.uint8 or deltas.shape[-1] > UNDEFINED:
        return np.empty((0, deltas.ndim), np.int64)
    return np.argwhere(deltas == UNDEFINED)


def with_n_undefined(valid: Deltas) -> Deltas:
    """Return validated tables in which undefined transitions lead to n, as some kernels take them.

    Complete automata are not copied.

    Examples
    --------
    >>> with_n_undefined(validate_delta("1 -|0 0", partial=True)).tolist()
    [[1, 2], [0, 0]]
    """
    n = valid.shape[-1]
    return np.minimum(valid, n) if valid.max(initial=0) >= n else valid


def _without_none(table: Any, depth: int) -> Any:
    """Return nested lists with `UNDEFINED` in place of None; other tables as they are."""
    if not isinstance(table, list | tuple):
        return table
    if depth > 1:
        return [_without_none(part, depth - 1) for part in table]
    if not any(entry is None for entry in table):
        return table
    check_partial_size(len(table))
    return [UNDEFINED if entry is None else entry for entry in table]


def check_one_size(deltas: Any) -> None:
    """Raise `AutomatonError` if the tables in a list are automata of different sizes."""
    sizes = [integer_array(delta).shape for delta in deltas]
    for position, size in enumerate(sizes):
        if size != sizes[0] and len(size) == len(sizes[0]) == 2:
            (k, n), (first_k, first_n) = size, sizes[0]
            raise AutomatonError(
                f"automata of a batch have one size: automaton {position} has n={n}, k={k}, "
                f"but automaton 0 has n={first_n}, k={first_k}"
            )


def _validate(array: npt.NDArray[Any], partial: bool) -> Deltas:
    """Copy integers of shape (batch, k, n), a few automata at a time, and check the copy."""
    batch, k, n = array.shape
    check_size(k, n)
    own: Deltas = np.empty(array.shape, state_dtype(n))
    # check at the width of the input: a narrower copy would wrap large numbers
    wide = np.dtype(f"u{array.dtype.itemsize}")  # unsigned, so that negative numbers are large
    rows = max(1, _BYTES_AT_ONCE // (k * n * wide.itemsize))
    for start in range(0, batch, rows):
        part = own[start : start + rows]
        source = array[start : start + rows]
        if wide == own.dtype:
            part[...] = source
            copied = part
        else:
            copied = np.array(source, array.dtype.newbyteorder("="))
            part[...] = copied
        if copied.view(wide).max() >= n:
            given = copied.view(array.dtype.newbyteorder("="))
            wrong = np.argwhere((copied.view(wide) >= n) & (given != UNDEFINED))
            if len(wrong):
                row, letter, state = wrong[0].tolist()
                raise AutomatonError(
                    f"automaton {start + row}, letter {letter}, state {state} leads to "
                    f"{given[row, letter, state]}, outside 0..{n - 1}"
                )
            if not partial:
                _check_complete(part, start)
    return own


def _check_complete(deltas: Deltas, first: int = 0) -> None:
    """Raise `AutomatonError` if a transition is undefined; the automata count from `first`."""
    if len(missing := undefined_entries(deltas)):
        row, letter, state = missing[0].tolist()
        raise AutomatonError(
            f"automaton {first + row}, letter {letter} is undefined on state {state}: not complete"
        )


def check_size(k: int, n: int) -> None:
    """Raise `AutomatonError` or `SizeLimitError` if there are no states or letters, or too many."""
    if n < 1 or k < 1:
        raise AutomatonError(
            f"an automaton has at least one state and one letter, got n={n}, k={k}"
        )
    if n > MAX_STATES:
        raise SizeLimitError(f"n={n} is over the limit of {MAX_STATES} states")
    if k > MAX_LETTERS:
        raise SizeLimitError(f"k={k} is over the limit of {MAX_LETTERS} letters")


def check_partial_size(n: int) -> None:
    """Raise `SizeLimitError` if partial automata cannot have n states."""
    if n > UNDEFINED:
        raise SizeLimitError(f"n={n} is over the limit of {UNDEFINED} states of partial automata")


def integer_array(value: Any, entries: str = "states") -> npt.NDArray[Any]:
    """Return a view or a copy of a rectangular table of integers, or raise `AutomatonError`."""
    if np.ma.is_masked(value):
        raise AutomatonError("a table with masked entries is not complete")
    try:
        array = np.asarray(value)[...]  # a new view: nobody else can change its shape
    except ValueError as error:
        raise AutomatonError(f"not a rectangular table of {entries}") from error
    if array.dtype.kind not in "iu":
        if array.size == 0:
            raise AutomatonError(f"an empty table, of shape {array.shape}, holds no {entries}")
        raise AutomatonError(f"{entries} are integers, got entries of type {array.dtype}")
    return array
