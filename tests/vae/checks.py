"""What is checked of models of complete and of partial automata alike."""

import torch

from tests.vae.models import BATCH, LATENT, draw_tokens, seeded
from vae.losses import losses
from vae.model import VAE, Decoder
from vae.steps import StepConfig, take_step


def sizes_of(model: VAE | Decoder) -> range:
    return range(1 if model.config.any_size else model.config.n, model.config.n + 1)


def draw_z(batch: int = BATCH, latent: int = LATENT) -> torch.Tensor:
    return 2 * torch.randn(batch, latent, generator=seeded(1))


def loss_of(model: VAE, tokens: torch.Tensor) -> torch.Tensor:
    terms = losses(model(tokens, seeded()), tokens, torch.full((len(tokens),), 0.5))
    return terms.reconstruction + terms.kl + terms.ratio


def check_shapes(model: VAE, n: int) -> None:
    k, latent = model.config.k, model.config.latent
    logits, posterior, ratio, kl, _ = model(draw_tokens(model, n=n), seeded())
    assert posterior.mu.shape == posterior.log_sigma.shape == (BATCH, latent)
    assert ratio.shape == (BATCH,)
    assert kl.shape == (BATCH, latent)
    written, log_probabilities = model.decoder.generate(posterior.mu, n)
    assert written.shape == (BATCH, n, k)
    assert written.dtype == torch.int64
    assert 0 <= written.min() <= written.max() < n + model.config.partial
    assert log_probabilities.shape == logits.shape
    torch.testing.assert_close(log_probabilities.exp().sum(3), torch.ones(BATCH, n, k))
    assert logits.shape == (BATCH, n, k, n + model.config.partial)


def check_order(decoder: Decoder, z: torch.Tensor, tokens: torch.Tensor) -> None:
    """Each logit depends on the tokens before it, and on all of these."""
    _, n, k = tokens.shape
    logits = decoder(z, tokens)
    order = torch.arange(n * k).view(n, k)
    other = (tokens + 1) % logits.shape[3]
    for place in range(n * k):
        changed = decoder(z, torch.where(order >= place, other, tokens))
        torch.testing.assert_close(changed[:, order <= place], logits[:, order <= place])
        only = decoder(z, torch.where(order == place, other, tokens))
        moved = (only - logits).abs().amax((0, 3)) > 1e-6
        assert moved.tolist() == (order > place).tolist()


def check_teacher_forcing(decoder: Decoder, z: torch.Tensor, temperature: float) -> None:
    for n in sizes_of(decoder):
        written, log_probabilities = decoder.generate(
            z, n, temperature=temperature, generator=seeded()
        )
        forced = decoder(z, written).log_softmax(3)
        torch.testing.assert_close(log_probabilities, forced, rtol=1e-4, atol=1e-5)
        certain = temperature == 0 or forced.shape[3] == 1
        assert torch.equal(written, forced.argmax(3)) == certain
        again = decoder.generate(z, n, temperature=temperature, generator=seeded()).tokens
        assert torch.equal(written, again)


def learn(model, tokens: torch.Tensor, steps: int, rate: float = 0.01) -> list[dict[str, float]]:
    """Take steps on one batch; return the terms of each."""
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    ratios = torch.linspace(0.2, 0.9, len(tokens))
    config = StepConfig(learning_rate=rate, beta=0.01, clip=1.0)
    generator = seeded()
    return [take_step(model, optimizer, tokens, ratios, generator, config) for _ in range(steps)]
