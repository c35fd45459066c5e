"""The report: one run, or the archive, as one HTML file that needs nothing else."""
