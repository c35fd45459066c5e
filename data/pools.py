"""Where a command runs its units of work: on this machine, or on a cluster if it is given one."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TypeVar

from automata.settings import SettingError
from automata.units import Pool

Here = TypeVar("Here", Pool, None)


def pool_of(
    scheduler: str | None, here: AbstractContextManager[Here]
) -> AbstractContextManager[Pool] | AbstractContextManager[Here]:
    """Return the pool on a cluster, as `data.cluster.cluster`; without a scheduler the one here.

    Raises
    ------
    SettingError
        If the packages for clusters are not installed.
    """
    if scheduler is None:
        return here
    try:
        from data.cluster import cluster
    except ModuleNotFoundError as error:
        raise SettingError(
            f"scheduler={scheduler}: {error.name} is not installed: pip install -e '.[cluster]'"
        ) from error
    return cluster(scheduler)
