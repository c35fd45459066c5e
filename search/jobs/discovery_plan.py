"""The runs of a discovery: every arm with every seed, each in its own folder."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

from automata.settings import SettingError
from search.archive.intake import ArchiveRule
from search.discovery.arms import ARMS
from search.discovery.config import DiscoverConfig
from search.discovery.engine import Engine
from search.discovery.step import is_finished, step_folder

START = "start"
"""Stands for an arm in names of folders: the sizes that all arms of a seed start from."""
_SEED_FOLDER = re.compile(r"seed-(0|[1-9][0-9]{0,17})")


@dataclass(frozen=True)
class Plan:
    """The runs of a discovery, their settings and folders."""

    config: DiscoverConfig
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    out: Path
    rule: ArchiveRule
    device: torch.device
    workers: int
    """Threads of a single run, or of all processes together."""

    def __post_init__(self) -> None:
        """Check the arms, the seeds and the sizes; raise `SettingError`."""
        unknown = [arm for arm in self.arms if arm not in ARMS]
        if unknown:
            raise SettingError(f"unknown arm {unknown[0]!r}: one of {', '.join(ARMS)}")
        for name, value in [("arms", self.arms), ("seeds", self.seeds)]:
            given = f"{name}={','.join(map(str, value))}"
            if not value:
                raise SettingError(f"{given} names none, at least one is needed")
            often, times = Counter(value).most_common(1)[0]
            if times > 1:
                raise SettingError(f"{given} names {often} {times} times, at most once is allowed")
        leaps = self.config.most - self.config.start_to
        if len(self.runs) > 1 and leaps == 0:
            raise SettingError(
                f"to={self.config.most}, start-to={self.config.start_to}: "
                "no size is left to compare; --to goes beyond --start-to"
            )
        if {"vae", "vae-once"} <= {*self.arms} and leaps == 1:
            raise SettingError("arms vae and vae-once are the same where there is one leap alone")
        for arm in self.arms:
            latent = ARMS[arm].adapt(self.config.learn).latent
            least = ARMS[arm].least_latent
            if latent < least:
                raise SettingError(
                    f"latent={latent} is too small for the arm {arm}: at least {least}"
                )

    @property
    def runs(self) -> list[tuple[str, int]]:
        """All (arm, seed): every arm of the first seed, then of the next."""
        return [(arm, seed) for seed in self.seeds for arm in self.arms]

    def joined(self) -> list[tuple[str, int]]:
        """Return the runs of this plan and the other finished runs in its folder, by seed."""
        seeds = sorted({*self.seeds, *(int(entry.name[5:]) for entry in seed_folders(self.out))})
        return [
            (arm, seed)
            for seed in seeds
            for arm in ARMS
            if (arm, seed) in self.runs or is_finished(self._last_step(arm, seed))
        ]

    def _last_step(self, arm: str, seed: int) -> Path:
        return step_folder(self.out / f"seed-{seed}" / arm, self.config.most)

    def finished(self) -> int:
        """Return the number of finished steps of this plan."""
        folders = {self.out / f"seed-{seed}" for seed in self.seeds}
        return sum(
            len([*folder.glob(f"{name}/n-*/checksums.json")])
            for folder in folders
            for name in (START, *self.arms)
        )

    def engine(self, arm: str, seed: int, workers: int) -> Engine:
        """Return the engine of one run."""
        folder = self.out / f"seed-{seed}"
        return Engine(self.config, arm, seed, folder, device=self.device, workers=workers)


def seed_folders(out: Path) -> list[Path]:
    """Return the folders of the seeds, in any order."""
    entries = out.iterdir() if out.is_dir() else ()
    return [entry for entry in entries if _SEED_FOLDER.fullmatch(entry.name)]
