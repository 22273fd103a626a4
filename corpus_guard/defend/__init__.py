"""Mending: models whose hidden triggers are pruned away."""
