"""Pictures of searches and discoveries."""
