"""Coefficients at random, and what penalties make of them."""

import numpy as np


def normal(shape, seed=0, size=1.0):
    return size * np.random.default_rng(seed).normal(size=shape)


def prox(penalty, V, step=1.0):
    """Return the prox of a penalty, and the value there that it returns."""
    out = np.full(V.shape, np.nan)  # whatever is not written shows
    value = penalty.prox(V, step, out)
    return out, value
