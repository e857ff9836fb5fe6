"""Replay history, compare it with the answers, name the first difference."""
