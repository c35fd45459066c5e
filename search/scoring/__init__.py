"""What was found, beside what is known: recall and scores. Nothing that searches imports it."""
