"""Rows a second with one and two threads of torch, and with two that do not spin while they wait.

Run from the repository, on an idle machine and on one where other programs run:
python benchmarks/bench_threads.py [repetitions]
"""

import os
import subprocess
import sys
import time
from statistics import median

CONFIGURATIONS = {
    "1 thread": {"OMP_NUM_THREADS": "1"},
    "2 threads": {"OMP_NUM_THREADS": "2"},
    "2 threads, passive": {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"},
}
SECONDS = 2.5


def rate(step, rows):
    """Return the rows a second of a step."""
    for _ in range(2):
        step()
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < SECONDS:
        step()
        count += 1
    return rows * count / (time.perf_counter() - start)


def measure():
    """Print the rows a second of a training step (512), of decoding and of encoding (4,096)."""
    import torch

    from vae.model import VAE, ModelConfig
    from vae.steps import StepConfig, take_step

    model = VAE(ModelConfig(n=8, k=2))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    generator = torch.Generator().manual_seed(0)
    tokens, many = (torch.randint(0, 8, (rows, 8, 2)) for rows in (512, 4096))
    ratios, config = torch.rand(512), StepConfig(learning_rate=1e-3, beta=0.2, clip=1.0)
    trained = rate(
        lambda: take_step(model, optimizer, tokens, ratios, generator, config), len(tokens)
    )
    z = torch.randn(4096, model.config.latent)
    model.eval()
    decoded = rate(lambda: model.decoder.generate(z), len(z))
    with torch.no_grad():
        encoded = rate(lambda: model.posterior(many), len(many))
    print(trained, decoded, encoded)


def main(repetitions):
    """Run each configuration in its own process, in turns, and print medians and ratios."""
    found = {name: [] for name in CONFIGURATIONS}
    for _ in range(repetitions):
        for name, variables in CONFIGURATIONS.items():
            line = subprocess.run(
                [sys.executable, __file__, "--measure"],
                env=os.environ | {"PYTHONPATH": "."} | variables,
                check=True, capture_output=True, text=True,
            ).stdout  # fmt: skip
            found[name].append([float(value) for value in line.split()])
    own = {
        name: [median(column) for column in zip(*rows, strict=True)] for name, rows in found.items()
    }
    first = own["1 thread"]
    print(f"load {os.getloadavg()[0]:.1f}; rows a second: training, decoding, encoding (ratio)")
    for name, rates in own.items():
        cells = [f"{r:,.0f} ({r / one:.2f})" for r, one in zip(rates, first, strict=True)]
        print(f"{name:20s} {'  '.join(cells)}")


if __name__ == "__main__":
    if sys.argv[1:] == ["--measure"]:
        measure()
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 3)
