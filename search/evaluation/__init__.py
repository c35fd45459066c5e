"""How good a model is: its measures, attribute arithmetic, and how sure such figures are."""
