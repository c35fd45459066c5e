"""Reset words: the exact searches, quick short words, ranks, and limits on memory and time."""
