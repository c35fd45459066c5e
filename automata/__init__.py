"""Synchronizing automata: exact reset words, canonical forms, families, samplers, formats.

Names are loaded when they are first used; ``__init__.pyi`` says where each of them lives.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
