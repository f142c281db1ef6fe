"""Faults injected for real, and what they cost: nothing lost, nothing twice."""
