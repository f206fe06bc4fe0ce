"""Splits of rows."""

import numpy as np


def folds_of(splitter, n, **kwargs):
    """Return the fold that tests each row, -1 for rows that are never tested."""
    fold = np.full(n, -1)
    for k, (train, test) in enumerate(splitter.split(np.zeros((n, 1)), **kwargs)):
        assert np.all(fold[test] == -1)
        fold[test] = k
        np.testing.assert_array_equal(np.sort(np.r_[train, test]), np.arange(n))
    return fold
