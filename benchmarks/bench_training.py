"""Training speed: precisions, and one position a state against one a transition.

One position a transition is the same model on the automaton with n*k states and one letter. Its
vocabulary is larger than the n targets need, but the GRU takes the time. One core.
Run: python benchmarks/bench_training.py
"""

import statistics
import time

import torch

from vae.losses import losses
from vae.model import VAE, ModelConfig

N, K, ROWS, STEPS, REPEATS = 8, 2, 512, 4, 5


def rows_a_second(model, tokens, precision):
    """Return the median speed of training steps."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(model.parameters())
    speeds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        for _ in range(STEPS):
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
                forward = model(tokens, generator)
            terms = losses(forward, tokens, torch.zeros(len(tokens)))
            (terms.reconstruction + terms.kl).backward()
            optimizer.step()
            optimizer.zero_grad()
        speeds.append(STEPS * len(tokens) / (time.perf_counter() - start))
    return statistics.median(speeds)


def main():
    """Print rows a second and ratios to float32 with one position a state."""
    torch.set_num_threads(1)
    tokens = torch.randint(N, (ROWS, N, K), generator=torch.Generator().manual_seed(0))
    by_state = VAE(ModelConfig(n=N, k=K))
    by_transition = VAE(ModelConfig(n=N * K, k=1))
    baseline = rows_a_second(by_state, tokens, "float32")
    cases = {
        "a position a state, float32": baseline,
        "a position a transition, float32": rows_a_second(
            by_transition, tokens.view(ROWS, N * K, 1), "float32"
        ),
    }
    few = tokens[:64]  # bfloat16 can be very slow
    half = rows_a_second(by_state, few, "bfloat16") / rows_a_second(by_state, few, "float32")
    for name, speed in cases.items():
        print(f"{name:>34} {speed:>9,.0f} rows/s  ratio {speed / baseline:.2f}")
    print(f"bfloat16 to float32, a position a state, {len(few)} rows a step: ratio {half:.2f}")


if __name__ == "__main__":
    main()
