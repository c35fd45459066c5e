"""What the commands call, a job each, and what they share: options, results, exit codes."""
