"""The jobs of the commands, and their common parts: options, results, exit codes."""
