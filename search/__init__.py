"""Discovery: paths through the latent space, the metered oracle, baselines, reports."""
