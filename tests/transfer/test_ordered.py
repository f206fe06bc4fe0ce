"""Reports on ordered classes: proportional odds with thresholds in every task."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from linmtl import MultiTaskClassifier, OrdinalClassifier, OrdinalClassifierCV
from linmtl.penalties import L21, MeanRegularized, Ridge
from linmtl.transfer import negative_transfer_report
from linmtl.transfer._ordered import OrderedAlone

GRADES = ["poor", "fair", "good"]


def graded(n=24, T=3, d=3, seed=0, levels=(-0.7, 0.7)):
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(n * T, d)), np.repeat(np.arange(T), n)
    eta = X @ rng.normal(size=d) + rng.logistic(size=n * T)
    return X, np.digitize(eta, levels), tasks


def splits(n=24, T=3, k=2):
    fold = np.tile(np.arange(k), n * T // k)
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(k)]


def report(model, *data, **options):
    options = {"cv": splits(), "method": "clt"} | options
    return negative_transfer_report(model, *data, **options)


def log_loss(model, X, y, tasks):
    place = np.searchsorted(model.classes_, y)
    return -np.log(model.predict_proba(X, tasks)[np.arange(len(y)), place])


def test_the_losses_are_a_loop_written_out():
    X, y, tasks = graded()
    model = OrdinalClassifier(MeanRegularized(0.1))
    alone = OrdinalClassifier(Ridge(0.1))
    pooled = OrdinalClassifier(MeanRegularized(1e3, alpha_mean=0.1))
    found = report(model, X, y, tasks, baseline=alone, pooled=pooled)
    expected = {name: np.empty(y.size) for name in ("model", "alone", "pooled")}
    for train, test in splits():
        for name, each in zip(expected, (model, alone, pooled), strict=True):
            fitted = each.fit(X[train], y[train], tasks[train])
            expected[name][test] = log_loss(fitted, X[test], y[test], tasks[test])
    for name, losses in expected.items():
        mean = losses.reshape(3, -1).mean(axis=1)
        np.testing.assert_allclose(found.mean_losses[name], mean, rtol=1e-6)
    shares = [  # thresholds alone: the classes' shares in training
        np.bincount(y[train][tasks[train] == t]) / np.sum(tasks[train] == t)
        for train, _ in splits()
        for t in range(3)
    ]
    levels = np.zeros(3)
    for (_, test), share in zip(splits(), np.reshape(shares, (2, 3, 3)), strict=True):
        for t in range(3):
            levels[t] -= np.log(share[t, y[test][tasks[test] == t]]).sum() / 24
    np.testing.assert_allclose(found.mean_losses["levels"], levels, rtol=1e-6)
    assert found.loss == "log loss"


@pytest.mark.parametrize(
    "layout", ["text", "categorical", "wide", "sparse", "offset", "mask"]
)
def test_layouts(layout):
    X, y, tasks = graded()
    models = {"baseline": OrdinalClassifier(Ridge(0.1))}
    models["pooled"] = models["baseline"]
    plain = report(OrdinalClassifier(L21(0.05)), X, y, tasks, **models)
    model, passed = OrdinalClassifier(L21(0.05)), (X, y, tasks)
    if layout == "text":
        model.set_params(class_order=GRADES)
        models["baseline"] = OrdinalClassifier(Ridge(0.1), class_order=GRADES)
        passed = X, np.array(GRADES)[y], tasks
    elif layout == "categorical":
        values = pd.Categorical.from_codes(y, GRADES, ordered=True)
        passed = X, pd.Series(values), tasks
    elif layout == "sparse":
        passed = sparse.csr_array(X), y, tasks
    elif layout == "offset":  # thresholds make up for a number for all
        found = report(model, X, y, tasks, offset=0.5, **models)
        np.testing.assert_allclose(
            found.mean_losses["model"], plain.mean_losses["model"], rtol=1e-4
        )
        return
    elif layout == "wide":
        Y = np.full((24, 3), np.nan)
        Y[:] = y.reshape(3, 24).T
        X = np.tile(X[:24], (3, 1))
        cv = splits(T=1)
        rows = [
            tuple(np.concatenate([24 * t + part for t in range(3)]) for part in pair)
            for pair in cv
        ]
        long = report(model, X, y, tasks, **models | {"cv": rows})
        wide = report(model, X[:24], Y, **models | {"cv": cv})
        np.testing.assert_allclose(
            wide.mean_losses["model"], long.mean_losses["model"], rtol=1e-6
        )
        return
    else:
        X = X.copy()
        X[tasks == 0, 1] = np.nan
        mask = np.ones((3, 3), dtype=bool)
        mask[1, 0] = False
        nan = report(model, X, y, tasks, **models)
        zero = np.nan_to_num(X)
        each = {
            name: OrdinalClassifier(Ridge(0.1), feature_mask=mask) for name in models
        }
        masked = OrdinalClassifier(L21(0.05), feature_mask=mask)
        told = report(masked, zero, y, tasks, **each)
        for name in ("model", "alone"):
            np.testing.assert_allclose(
                nan.mean_losses[name], told.mean_losses[name], rtol=1e-6
            )
        return
    found = report(model, *passed, **models)
    for name in ("model", "alone", "pooled"):
        np.testing.assert_allclose(
            found.mean_losses[name], plain.mean_losses[name], rtol=1e-6
        )


@pytest.mark.slow
def test_of_two_classes_they_are_those_of_the_logistic_loss():
    X, y, tasks = graded(levels=(0.0,))
    settings = {"tol": 1e-8}
    ordered = report(OrdinalClassifier(L21(0.05), **settings), X, y, tasks)
    plain = report(MultiTaskClassifier(L21(0.05), **settings), X, y, tasks)
    for name, rtol in (("model", 1e-4), ("levels", 1e-4), ("pooled", 0.1)):
        np.testing.assert_allclose(
            ordered.mean_losses[name], plain.mean_losses[name], rtol=rtol
        )


def test_a_task_of_a_single_class_has_no_rows():
    X, y, tasks = graded()
    y[tasks == 1] = 2
    same = OrdinalClassifier(Ridge(0.1))
    found = report(
        OrdinalClassifier(L21(0.05)), X, y, tasks, baseline=same, pooled=same
    )
    assert np.isnan(found.mean_losses["model"]).tolist() == [False, True, False]
    assert found.n_samples.tolist() == [24, 24, 24]


@pytest.mark.slow
def test_tasks_alone_have_one_strength_or_their_own():
    """Whichever does better by folds that have no say in it."""
    rng = np.random.default_rng(0)
    X, y, tasks = graded(n=36, T=4, d=12)
    alike = OrderedAlone(5, 3).fit(X, y, tasks, np.ones(y.size))
    assert isinstance(alike.model_, OrdinalClassifierCV)
    assert not alike.at_bound_.any()
    y[tasks < 2] = rng.integers(0, 3, np.sum(tasks < 2))  # nothing is to be learned
    y[tasks >= 2] = np.digitize(
        4 * X[tasks >= 2, 0] + rng.logistic(size=72), [-0.7, 0.7]
    )
    apart = OrderedAlone(5, 3).fit(X, y, tasks, np.ones(y.size))
    alpha = apart.model_.penalty.alpha
    assert min(alpha[0], alpha[1]) > 10 * max(alpha[2], alpha[3])


def test_models_to_compare_with_are_of_ordered_classes():
    X, y, tasks = graded()
    for name in ("baseline", "pooled"):
        with pytest.raises(ValueError, match=f"{name} must be .*OrdinalClassifier"):
            report(
                OrdinalClassifier(),
                X,
                y,
                tasks,
                **{name: MultiTaskClassifier(L21(1.0))},
            )


@pytest.mark.slow
def test_a_search_by_default():
    X, y, tasks = graded(n=40, T=4)
    model = OrdinalClassifierCV(MeanRegularized(1.0), alphas=5)
    found = negative_transfer_report(model, X, y, tasks, cv=3)
    assert set(found.verdict) <= {"helped", "hurt", "equivalent", "undecided"}
    assert (found.mean_losses["model"] < found.mean_losses["levels"]).all()
