"""The lecture "VAE in search of automata": its text, its code, its pictures, on one page."""
