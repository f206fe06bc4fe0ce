"""Fits at the same time, by every backend of joblib."""

import os

import joblib
import numpy as np
import pytest
from joblib import delayed

from linmtl import (
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
)
from linmtl.datasets import make_multitask_regression
from linmtl.inference import bootstrap_intervals
from linmtl.model_selection._jobs import in_turn, run_jobs
from linmtl.transfer import (
    GroupedMultiTaskRegressor,
    SafeTransferRegressor,
    TaskGrouper,
    negative_transfer_report,
    transfer_gain,
)

X, y, TASKS = make_multitask_regression(
    n_tasks=3, n_features=5, n_samples=20, random_state=0
)
MODEL = MeanRegularizedRegressor(0.1)
DATA = X, y, TASKS
USERS = {
    "cv": lambda n: L21RegressorCV(alphas=3, cv=2, n_jobs=n).fit(*DATA).mse_path_,
    "classes": lambda n: (
        L21ClassifierCV(alphas=3, eps=0.1, cv=2, n_jobs=n)
        .fit(X, y > 0, TASKS)
        .scores_path_
    ),
    "groups": lambda n: (
        GroupedMultiTaskRegressor(
            MODEL, TaskGrouper("cv", max_groups=2), cv=2, n_jobs=n
        )
        .fit(*DATA)
        .coef_
    ),
    "bootstrap": lambda n: (
        bootstrap_intervals(
            MODEL, *DATA, n_resamples=4, random_state=0, n_jobs=n
        ).resamples
    ),
    "gain": lambda n: transfer_gain(MODEL, *DATA, cv=2, n_jobs=n).values,
    "gain by refitting": lambda n: (
        transfer_gain(L21Regressor(0.1, refit=True), *DATA, cv=2, n_jobs=n).values
    ),
    "report": lambda n: (
        negative_transfer_report(MODEL, *DATA, cv=2, random_state=0, n_jobs=n)
        .to_frame()
        .select_dtypes("number")
    ),
    "safe": lambda n: SafeTransferRegressor(MODEL, cv=2, n_jobs=n).fit(*DATA).coef_,
}


# processes of multiprocessing start anew for every user, which takes seconds
PAIRS = [(user, backend) for user in USERS for backend in ("loky", "threading")]
PAIRS += [("cv", "multiprocessing"), ("gain by refitting", "multiprocessing")]


@pytest.mark.parametrize(("user", "backend"), PAIRS)
@pytest.mark.slow
def test_every_backend_gives_the_same(user, backend):
    expected = USERS[user](None)
    with joblib.parallel_config(backend):
        np.testing.assert_allclose(USERS[user](2), expected, rtol=1e-10, atol=1e-12)
    with joblib.parallel_config(backend, n_jobs=2):  # the number from around
        np.testing.assert_allclose(USERS[user](None), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:resource_tracker")
def test_a_worker_that_is_killed_is_an_error_in_words():
    with pytest.raises(RuntimeError, match=r"a worker process was killed, .* n_jobs"):
        run_jobs([delayed(os._exit)(1)] * 2, 2)
    assert run_jobs([delayed(int)("3")], 2) == [3]  # and the next is served


def test_what_runs_in_turn():
    assert in_turn(None)
    assert in_turn(1)
    assert not in_turn(2)
    with joblib.parallel_config("threading", n_jobs=2):
        assert not in_turn(None)
