"""What a step of training of `discover` costs, by part and by the size of the batch. One core.

Run: python benchmarks/bench_learning.py
"""

import statistics
import time

import numpy as np
import torch

from automata.sampling import sample_synchronizing
from search.discovery.config import LearnConfig
from vae.losses import losses
from vae.model import VAE
from vae.numbered import read_numbered

N, K, MOST, REPEATS = 9, 2, 16, 15
BATCHES = (32, 64, 128, 256)


def milliseconds(part):
    """Return the median processor time of a call, in milliseconds."""
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        part()
        times.append(1000 * (time.process_time() - start))
    return statistics.median(times[2:])


def parts(batch, fused):
    """Return the processor time of each part of a step."""
    config, rng, cpu = LearnConfig(), np.random.default_rng(0), torch.device("cpu")
    generator = torch.Generator().manual_seed(0)
    deltas = sample_synchronizing(rng, batch, N, K)
    tokens = read_numbered(rng, deltas, cpu)
    model = VAE(config.model(MOST, K)).train()
    optimizer = torch.optim.AdamW(model.parameters(), fused=fused)

    def forward():
        terms = losses(model(tokens, generator), tokens, torch.zeros(batch))
        return terms.objective(config.beta, 1.0)

    def backward():
        optimizer.zero_grad()
        forward().backward()

    return {
        "read": milliseconds(lambda: read_numbered(rng, deltas, cpu)),
        "forward and backward": milliseconds(backward),
        "of it forward": milliseconds(forward),
        "clip": milliseconds(lambda: torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)),
        "AdamW": milliseconds(optimizer.step),
    }


def main():
    """Print the parts in milliseconds, and microseconds an automaton."""
    torch.set_num_threads(1)
    for batch in BATCHES:
        for fused in (False, True):
            found = parts(batch, fused)
            total = sum(found.values()) - found["of it forward"]
            columns = "  ".join(f"{name} {value:.2f}" for name, value in found.items())
            kind = "fused" if fused else "plain"
            print(f"{batch:>4} {kind}  {columns}  an automaton {1000 * total / batch:.0f} us")


if __name__ == "__main__":
    main()
