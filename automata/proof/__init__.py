"""Certificates of reset thresholds, their checker, and words that are replayed."""
