"""Tests of the lab's AWS side, by real clients."""
