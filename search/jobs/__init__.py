"""What the commands do: each makes, or adds to, a folder and returns its result."""
