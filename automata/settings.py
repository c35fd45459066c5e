"""Settings: a field of a config carries its default, its help, and its range or choices.

The config checks its values against them; the command line derives its options from them.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from automata.arguments import check_integer, check_number
from automata.sizes import CANONICAL_MAX_LETTERS


class SettingError(ValueError):
    """A setting does not fit the data or the machine."""


Limit = int | float | str | None
"""A number, or the name of another field that holds it; None: no limit."""


@dataclass(frozen=True)
class Setting:
    """The help, the limits or choices, and the names of one field of a config."""

    help: str
    """One sentence, for people; the range is not repeated in it."""
    low: Limit
    high: Limit
    without: float | None
    """The limit that is excluded from the range; None: both are included."""
    choices: tuple[str, ...]
    name: str
    """The name of the field in messages."""
    flags: tuple[str, ...]
    """Its options on the command line; empty: it is no option."""
    range: str
    """The limits for people: 1..64, (0, 1], at least 0, positive; empty without limits."""
    kind: type
    """int, float, bool, str or tuple."""
    optional: bool
    """Whether the value may be None."""
    later: bool
    """Whether records of earlier versions lack it: those of its default still do."""

    def checked(self, value: Any, low: Any, high: Any) -> Any:
        """Return a plain value within the limits, or raise a ValueError of one line."""
        if value is None and self.optional:
            return None
        if self.choices and value not in self.choices:
            known = ", ".join(self.choices)
            raise ValueError(f"unknown {self.name} {value!r}: one of {known}")
        if self.kind is int:
            return check_integer(self.name, value, low, high)
        if self.kind is bool and not isinstance(value, bool):
            raise ValueError(f"{self.name}={value} is not True or False")
        if self.kind is float:
            number = self._number(value, low, high)
            return value if type(value) in (int, float) else number
        return value

    def _number(self, value: Any, low: Any, high: Any) -> float:
        """Return a finite number within the limits."""
        number = check_number(self.name, value)
        too_low = low is not None and number < low
        if too_low or number == self.without or (high is not None and number > high):
            place = self.range if high is None else f"in {self.range}"
            raise ValueError(f"{self.name}={value} is not {place}")
        return number


def setting(
    default: Any,
    help: str,
    *,
    low: Limit = None,
    high: Limit = None,
    without: float | None = None,
    choices: tuple[str, ...] = (),
    name: str | None = None,
    flags: tuple[str, ...] | None = None,
    later: bool = False,
) -> Any:
    """Return a dataclass field that carries a `Setting`.

    The parameters are the fields of `Setting`. `name` is by default the name of the field, with
    dashes for underscores; `flags` is by default one option, two dashes and the name.
    """
    about = {"help": help, "low": low, "high": high, "without": without, "choices": choices}
    metadata = {"setting": about, "name": name, "flags": flags, "later": later}
    return field(default=default, metadata=metadata)


def added_later(config: type) -> Any:
    """Return a field that holds a config, by default that of no arguments.

    Records of earlier versions lack it: `record_of` leaves the default out, so that their folders
    go on.
    """
    return field(default_factory=config, metadata={"later": True})


def nested_of(config: type) -> dict[str, type]:
    """Return the configs that a config class holds in fields `added_later`, by field name."""
    return {
        entry.name: get_type_hints(config)[entry.name]
        for entry in fields(config)
        if entry.metadata.get("later") and "setting" not in entry.metadata
    }


def record_of(config: Any) -> dict[str, Any]:
    """Return a config as plain values, without what came later and has its default.

    That are configs that were `added_later`, and every `setting` with ``later``.

    Examples
    --------
    >>> @dataclass
    ... class Extra:
    ...     weight: float = 0.0
    >>> @dataclass
    ... class Config:
    ...     n: int
    ...     fast: bool = setting(False, "Whether it is fast.", later=True)
    ...     extra: Extra = added_later(Extra)
    >>> record_of(Config(3)), record_of(Config(3, True, Extra(1.0)))
    ({'n': 3}, {'n': 3, 'fast': True, 'extra': {'weight': 1.0}})
    """
    record = asdict(config)
    for entry in fields(config):
        value = getattr(config, entry.name)
        default = entry.default if entry.default_factory is MISSING else entry.default_factory()
        if entry.metadata.get("later") and value == default:
            del record[entry.name]
        elif is_dataclass(value):
            record[entry.name] = record_of(value)
    return record


def states(default: int | None, most: int, help: str = "States of each automaton.") -> Any:
    """Return the field of a config for the number of states, 1..most."""
    return setting(default, help, low=1, high=most, flags=("-n", "--states"))


def letters(default: int | None, help: str = "Letters.", *, name: str | None = None) -> Any:
    """Return the field of a config for the number of letters."""
    flags = ("-k", "--letters")
    return setting(default, help, low=1, high=CANONICAL_MAX_LETTERS, name=name, flags=flags)


@cache
def settings_of(config: type) -> dict[str, Setting]:
    """Return the settings of a config class by field name, in order."""
    hints, found = get_type_hints(config), {}
    own = {entry.name: entry.metadata for entry in fields(config) if "setting" in entry.metadata}
    names = {key: about["name"] or key.replace("_", "-") for key, about in own.items()}
    for key, about in own.items():
        low, high = (
            f"--{names[end]}" if end in names else end
            for end in (about["setting"]["low"], about["setting"]["high"])
        )
        kinds = get_args(hints[key]) if isinstance(hints[key], UnionType) else (hints[key],)
        origin = get_origin(kinds[0]) or kinds[0]
        found[key] = Setting(
            **about["setting"],
            name=names[key],
            flags=(f"--{names[key]}",) if about["flags"] is None else about["flags"],
            range=_range(low, high, about["setting"]["without"]),
            kind=str if origin is Literal else origin,
            optional=NoneType in kinds,
            later=own[key]["later"],
        )
    return found


def check_settings(config: Any) -> None:
    """Check the settings of a frozen config, and replace NumPy numbers by plain ones.

    Raises
    ------
    ValueError
        If a value is not of its kind, or outside its limits. The message names the value and the
        limits.
    """
    kind: type = type(config)
    own = settings_of(kind)
    # fields limited by another field come last
    for name in sorted(own, key=lambda name: isinstance(own[name].high, str)):
        low, high = (
            getattr(config, limit) if isinstance(limit, str) else limit
            for limit in (own[name].low, own[name].high)
        )
        try:
            value = own[name].checked(getattr(config, name), low, high)
        except ValueError as error:
            limits = [limit for limit in (own[name].low, own[name].high) if isinstance(limit, str)]
            named = ", ".join(f"{own[limit].name}={getattr(config, limit)}" for limit in limits)
            if not named or " is not in " not in str(error):
                raise
            raise type(error)(f"{error} ({named})") from error
        object.__setattr__(config, name, value)


def _range(low: Limit, high: Limit, without: float | None) -> str:
    """Return the text of `Setting.range`."""
    low, high = (f"{end:g}" if type(end) is float else end for end in (low, high))
    if low is None:
        return "" if high is None else f"at most {high}"
    if high is None:
        return f"at least {low}" if without is None else "positive"
    if without is None:
        return f"{low}..{high}"
    return f"({low}, {high}]" if f"{without:g}" == f"{low}" else f"[{low}, {high})"
