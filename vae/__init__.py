"""The variational autoencoder over automata: encoding, model, losses, training, metrics.

Each public name is loaded on first use, from the module that ``__init__.pyi`` imports it from.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
