"""When a training ends, and its learning rates until then."""

from collections.abc import Callable
from math import exp

import pytest

from vae.schedule import Schedule


def train(most: int, loss: Callable[[int], float]) -> list[float]:
    """Return the share of the learning rate in each step of a training with such losses."""
    schedule, shares = Schedule(most), []
    while not schedule.ended:
        assert schedule.steps == len(shares)
        shares.append(schedule.learning_rate_share)
        schedule.note(loss(len(shares)))
    return shares


def falling(step: int) -> float:
    """Return a loss that falls at the same rate throughout."""
    return exp(-step / 100)


def test_a_loss_that_falls_gets_all_steps() -> None:
    shares = train(600, falling)
    assert len(shares) == 600
    assert shares[:18] == [pytest.approx((step + 1) / 18) for step in range(18)]
    assert shares[17:401] == [1.0] * 384
    assert shares[400:] == [pytest.approx((600 - step) / 200) for step in range(400, 600)]


def test_a_loss_that_has_fallen_ends_the_training() -> None:
    shares = train(600, lambda step: 2 - min(step, 60) / 60)
    assert len(shares) == 300  # at the first look, after 200, it does not fall; half as many more
    assert shares[200:] == [pytest.approx((300 - step) / 100) for step in range(200, 300)]


@pytest.mark.parametrize(("gain", "steps"), [(0.02, 300), (0.04, 600)])
def test_three_percent_from_third_to_third_are_enough(gain: float, steps: int) -> None:
    # in the looks after 200, 225, ... steps the last third is 2 % or 4 % below the third before
    assert len(train(600, lambda step: (1 - gain) ** (step / 66))) == steps


def test_a_single_low_loss_does_not_end_a_training() -> None:
    noisy = [falling(step) * (0.5 if step % 7 == 0 else 1.1) for step in range(601)]
    assert len(train(600, noisy.__getitem__)) == 600


def test_a_loss_that_rises_ends_the_training() -> None:
    assert len(train(600, lambda step: 1 / falling(step))) == 300


def test_losses_alone_decide() -> None:
    def loss(step: int) -> float:
        return 1 / step**0.1 + (step * 7919 % 13) / 100

    assert train(900, loss) == train(900, loss)


@pytest.mark.parametrize("most", [0, 1, 2, 3, 24, 36])
def test_short_trainings_get_all_steps(most: int) -> None:
    shares = train(most, lambda step: 1.0)
    assert len(shares) == most
    assert all(0 < share <= 1 for share in shares)
