"""The module of each public name.

Type checkers read this file. So does ``lazy_loader``, when the package is imported; it requires
relative imports.
"""

from .boundary import Interpolation, LatentMap, Neighbours, Posterior
from .latent_space import LatentSpace

__all__ = ["Interpolation", "LatentMap", "LatentSpace", "Neighbours", "Posterior"]
