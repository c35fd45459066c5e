"""Discovery across sizes: learn from small automata, find the extreme ones at larger sizes."""
