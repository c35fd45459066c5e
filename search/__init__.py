"""Search and discovery: latent paths, the metered oracle, baselines, archive, reports."""
