"""A choice between ways to share that held-out rows make."""

from linmtl.auto._auto import AutoClassifier, AutoRegressor
from linmtl.auto._held_out import HeldOut
from linmtl.auto._leaderboard import Leaderboard

__all__ = ["AutoClassifier", "AutoRegressor", "HeldOut", "Leaderboard"]
