"""Multi-task models without targets: clustering, and filling in short time series."""

from linmtl.unsupervised._completion import TemporalMatrixCompletion
from linmtl.unsupervised._kmeans import MultiTaskKMeans

__all__ = ["MultiTaskKMeans", "TemporalMatrixCompletion"]
