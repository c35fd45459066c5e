"""Recall and scores: finds compared with the truth. Modules that search must not import it."""
