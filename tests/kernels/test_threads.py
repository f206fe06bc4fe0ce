"""BLAS has one thread for small products, and what it had before after them."""

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from linmtl.kernels._threads import blas_threads


def counts():
    blas = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return {pool["num_threads"] for pool in blas}


def test_small_products_have_one_thread():
    with threadpool_limits(2, user_api="blas"):
        before = counts()
        with blas_threads(1e12):
            assert counts() == before
        with blas_threads(1.0):
            assert counts() == {1}
        with pytest.raises(KeyError), blas_threads(1.0):
            raise KeyError
        assert counts() == before
