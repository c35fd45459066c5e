"""Checks of arguments from callers: integers, finite numbers, within limits; paths."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from numbers import Real
from operator import index
from pathlib import Path
from typing import Any

MAX_SEED = 2**63 - 1
MAX_WORKERS = 1024


def check_integer(name: str, value: Any, low: int | None = None, high: int | None = None) -> int:
    """Return an integer argument, or raise a ValueError of one line.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : int
        Anything that ``operator.index`` accepts, but for True and False.
    low, high : int
        The limits, inclusive; None: no limit.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If the value is not an integer, or outside the limits.

    Examples
    --------
    >>> check_integer("rows", 3, 0)
    3
    >>> check_integer("rows", 1.5, 0)
    Traceback (most recent call last):
    ValueError: rows=1.5 is not an integer
    """
    try:
        number = index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise ValueError(f"{name}={shown(value)} is not an integer")
    above = high is not None and number > high
    if (low is not None and number < low) or above:
        limits = f"at least {low}" if high is None else f"in {low}..{high}"
        raise ValueError(f"{name}={shown(number)} is not {limits}")
    return number


def check_number(name: str, value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """Return an argument that is a finite number, or raise a ValueError of one line.

    Parameters
    ----------
    name : str
        The parameter, for the message.
    value : float
        Any real number, but for True and False.
    low, high : float
        The limits, inclusive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the value is not a number, not finite, or outside the limits.

    Examples
    --------
    >>> check_number("share", 1, 0, 1)
    1.0
    >>> check_number("share", float("nan"), 0, 1)
    Traceback (most recent call last):
    ValueError: share=nan is not a finite number
    """
    try:
        real = isinstance(value, Real) and not isinstance(value, bool)
        number = float(value) if real else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}={shown(value)} is not a finite number")
    if not low <= number <= high:
        limits = f"at least {low}" if high == math.inf else f"in {low}..{high}"
        raise ValueError(f"{name}={shown(value)} is not {limits}")
    return number


def check_positive(name: str, value: Any) -> float:
    """Return an argument that is a positive finite number, or raise a ValueError of one line.

    Raises
    ------
    ValueError
        If the value is not a number, not finite, or not positive.

    Examples
    --------
    >>> check_positive("time_limit", 0)
    Traceback (most recent call last):
    ValueError: time_limit=0 is not positive
    """
    number = check_number(name, value)
    if number <= 0:
        raise ValueError(f"{name}={shown(value)} is not positive")
    return number


def check_states(states: Any, n: int) -> list[int]:
    """Return states of an automaton; raise a ValueError if they are not integers in 0..n-1.

    Examples
    --------
    >>> check_states((2, 0), 3)
    [2, 0]
    >>> check_states([3], 3)
    Traceback (most recent call last):
    ValueError: state=3 is not in 0..2
    """
    if not isinstance(states, Iterable):
        raise ValueError(f"states are a sequence of integers, got {type(states).__name__}")
    return [check_integer("state", state, 0, n - 1) for state in states]


def check_workers(workers: Any) -> int:
    """Return a number of threads, at most 1,024; raise a ValueError if it is less than 1.

    Examples
    --------
    >>> check_workers(10**9)
    1024
    >>> check_workers(0)
    Traceback (most recent call last):
    ValueError: workers=0 is not at least 1
    """
    return min(check_integer("workers", workers, 1), MAX_WORKERS)


def check_path(name: str, value: Any) -> Path:
    """Return the path of a file or folder; raise a ValueError if it is neither path nor text.

    Examples
    --------
    >>> check_path("folder", None)
    Traceback (most recent call last):
    ValueError: folder=None is not a path
    """
    if not isinstance(value, str | os.PathLike):
        raise ValueError(f"{name}={shown(value)} is not a path")
    return Path(value)


def shown(value: Any) -> str:
    """Write a value on one line that is not too long."""
    if isinstance(value, int) and abs(value) >= 10**60:
        return "a number of more than 60 digits"
    text = " ".join((str(value) if isinstance(value, Real) else repr(value)).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
