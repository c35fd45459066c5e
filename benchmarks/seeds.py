"""What benchmarks over seeds share: the mean, and how sure it is."""

import numpy as np


def interval(values, rng):
    """Return the mean and its 95 % bootstrap interval over seeds."""
    values = np.asarray(values, float)
    means = values[rng.integers(len(values), size=(10_000, len(values)))].mean(1)
    return values.mean(), *np.quantile(means, [0.025, 0.975])
