"""The arms of a search: latent modes, baselines, and learning from finds, on one metered oracle."""
