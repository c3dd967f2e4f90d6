"""Tests of the rim towards the networks."""
