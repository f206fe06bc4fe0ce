"""Fits of rows in parts are fits of all rows, certified without seeing one."""

import warnings
from functools import partial, reduce

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

import linmtl
from helpers.parts import data, pieces
from linmtl import (
    AdaptiveRobustClassifier,
    CappedL1Classifier,
    DirtyClassifier,
    GraphRegularizedClassifier,
    L1Classifier,
    L21Classifier,
    L21ClassifierCV,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MixedEffectsClassifier,
    MixedEffectsRegressor,
    NetworkLassoClassifier,
    OrdinalClassifier,
    PooledClassifier,
    RobustLowRankClassifier,
    TemporalGroupClassifier,
    TraceNormClassifier,
)
from linmtl.datasets import make_multitask_regression
from linmtl.distributed import ListedParts, fit_chunks, fit_parts
from linmtl.statistics import TaskStatistics, chunks_of

CLASSIFIERS = [
    L1Classifier(0.02),
    L21Classifier(0.02),
    L21Classifier(0.02, fit_intercept=False),
    L21Classifier(0.02, task_weight="n_samples"),
    L21Classifier(0.02, feature_weight=[0.0, 1, 1, 1, 1, 1]),
    L21Classifier(0.02, around="mean"),
    MeanRegularizedClassifier(0.1, 0.0),
    MeanRegularizedClassifier(0.1, 0.01),
    GraphRegularizedClassifier(alpha=0.1),
    TraceNormClassifier(0.03),
    DirtyClassifier(0.02, 0.02),
    RobustLowRankClassifier(0.03, 0.03),
    AdaptiveRobustClassifier(0.3),
    NetworkLassoClassifier(alpha=0.02),
]
OTHER_LOSSES = [
    L21Classifier(0.02, loss="squared_hinge"),
    L21Regressor(0.02, loss="poisson"),
    MeanRegularizedRegressor(0.1, loss="poisson"),
    L21Regressor(0.02, loss="huber"),
    L21Regressor(0.02, loss="gamma"),
    L21Regressor(0.02, loss="tweedie"),
]


def exact(model, *given):
    return type(model)(**{**model.get_params(deep=False), "tol": 1e-9}).fit(*given)


@pytest.mark.parametrize("model", CLASSIFIERS, ids=repr)
@pytest.mark.slow
def test_classifiers_reach_the_optimum_and_prove_it(model):
    X, y, tasks = data(True)
    weight = np.random.default_rng(1).uniform(0.5, 2.0, y.size)
    best = exact(model, X, y, tasks, weight)
    model = type(model)(**model.get_params(deep=False))
    fit_parts(model, ListedParts(pieces(X, y, tasks, 6, weight)))
    assert model.converged_
    assert model.n_iter_ <= 8
    excess = model.objective_ - best.objective_
    assert -best.tol_ <= excess <= model.dual_gap_ + best.dual_gap_ + 1e-12
    np.testing.assert_array_equal(model.classes_, best.classes_)
    np.testing.assert_allclose(model.task_weight_, best.task_weight_)
    tight = model.set_params(tol=1e-8)
    fit_parts(tight, ListedParts(pieces(X, y, tasks, 6, weight)))
    np.testing.assert_allclose(tight.coef_, best.coef_, atol=2e-3)
    np.testing.assert_allclose(tight.intercept_, best.intercept_, atol=2e-3)
    assert tight.objective_ == pytest.approx(best.objective_, rel=1e-7)


@pytest.mark.parametrize("model", OTHER_LOSSES, ids=repr)
@pytest.mark.slow
def test_other_losses_reach_the_optimum(model):
    X, y, tasks = data(model.loss == "squared_hinge")
    if model.loss in ("poisson", "gamma", "tweedie"):
        y = np.exp(0.2 * y)
        y = y if model.loss == "gamma" else np.round(y)
    best = exact(model, X, y, tasks)
    fit_parts(model.set_params(tol=1e-7), ListedParts(pieces(X, y, tasks)))
    assert model.objective_ == pytest.approx(best.objective_, rel=1e-6)
    assert model.converged_


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [
        L21Classifier(0.02),
        L21Classifier(0.01, loss="squared_hinge"),
        L21Regressor(0.03, loss="huber"),
    ],
    ids=lambda model: model.loss,
)
def test_the_gap_is_above_the_true_distance_after_every_step(model):
    X, y, tasks = data(isinstance(model, L21Classifier))
    best = exact(model, X, y, tasks)
    for steps in range(1, 10):
        model.set_params(max_iter=steps, tol=1e-12)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit_parts(model, ListedParts(pieces(X, y, tasks)))
        assert model.dual_gap_ >= model.objective_ - best.objective_ - 1e-10
        assert model.objective_ >= best.objective_ - best.dual_gap_ - 1e-12


def test_rows_beyond_their_margins_cost_no_certificate():
    """In the model they have a little curvature, and were beyond the domain for it."""
    X, y, tasks = make_multitask_regression(
        n_tasks=4, n_samples=40, n_features=6, random_state=1
    )
    model = L21Classifier(0.0085, loss="squared_hinge")
    fit_chunks(model, partial(chunks_of, X, y > 0, tasks, size=33))
    assert model.converged_
    assert model.n_iter_ <= 10


def test_chunks_are_passed_in_order_one_at_a_time():
    X, y, tasks = data(True)
    chunks = partial(chunks_of, X, y, tasks, size=33)
    model = fit_chunks(L21Classifier(0.05), chunks)
    again = fit_chunks(L21Classifier(0.05), list(chunks()))
    np.testing.assert_array_equal(model.coef_, again.coef_)
    with pytest.raises(ValueError, match="gone through once only"):
        fit_chunks(L21Classifier(0.05), chunks())


@pytest.mark.slow
def test_processes_give_the_same_bits():
    X, y, tasks = data(True)
    one = fit_chunks(L21Classifier(0.05), pieces(X, y, tasks))
    two = fit_chunks(L21Classifier(0.05), pieces(X, y, tasks), n_jobs=2)
    np.testing.assert_array_equal(one.coef_, two.coef_)
    assert one.dual_gap_ == two.dual_gap_


def test_squared_loss_takes_one_pass_also_to_choose_a_strength():
    X, y, tasks = data()
    passes = []

    def chunks():
        passes.append(1)
        return pieces(X, y, tasks)

    model = fit_chunks(MeanRegularizedRegressor(0.3), chunks)
    whole = MeanRegularizedRegressor(0.3).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, whole.coef_, rtol=1e-7)
    chosen = fit_chunks(L21RegressorCV(alphas=8, cv=4), chunks)
    whole = L21RegressorCV(alphas=8, cv=4).fit(X, y, tasks)
    assert 0.1 < chosen.alpha_ / whole.alpha_ < 10
    mixed = fit_chunks(MixedEffectsRegressor(), chunks)
    whole = MixedEffectsRegressor().fit(X, y, tasks)
    assert mixed.log_likelihood_ == pytest.approx(whole.log_likelihood_, abs=1e-6)
    assert len(passes) == 3


def test_folds_are_dealt_by_content():
    X, y, tasks = data()
    one = fit_chunks(L21RegressorCV(alphas=5, cv=3), pieces(X, y, tasks))
    two = fit_chunks(L21RegressorCV(alphas=5, cv=3), pieces(X, y, tasks))
    np.testing.assert_array_equal(one.mse_path_, two.mse_path_)


@pytest.mark.slow
def test_sparse_frames_and_a_task_column():
    X, y, tasks = data(True)
    X = np.where(np.abs(X) > 0.8, X, 0.0)
    whole = exact(L21Classifier(0.02), X, y, tasks)
    listed = pieces(sparse.csr_array(X), y, tasks)
    found = fit_chunks(L21Classifier(0.02, tol=1e-8), listed)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-3)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    frame.insert(3, "site", tasks)
    parts = [(frame.iloc[p], y[p]) for p in np.array_split(np.arange(y.size), 4)]
    column = fit_chunks(L21Classifier(0.02, tol=1e-8, task_column="site"), parts)
    np.testing.assert_allclose(column.coef_, whole.coef_, atol=1e-3)
    np.testing.assert_array_equal(column.coef_feature_names_, list("abcdef"))
    np.testing.assert_array_equal(
        column.predict(frame), found.predict(sparse.csr_array(X), tasks)
    )


def test_tasks_and_classes_may_be_in_some_parts_only():
    X, y, tasks = data(True)
    order = np.lexsort([y, tasks])
    found = fit_chunks(
        MeanRegularizedClassifier(0.1, tol=1e-8),
        [*pieces(X[order], y[order], tasks[order], 9), (X[:0], y[:0], tasks[:0])],
    )
    whole = exact(MeanRegularizedClassifier(0.1), X, y, tasks)
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-5)


def test_a_task_of_a_single_class_is_left_out_as_in_one_place():
    X, y, tasks = data(True)
    y = np.where(tasks == tasks[0], y[0], y)
    with pytest.warns(UserWarning, match="single class|one class|left out"):
        whole = exact(MeanRegularizedClassifier(0.1), X, y, tasks)
    with pytest.warns(UserWarning, match="left out"):
        found = fit_chunks(
            MeanRegularizedClassifier(0.1, tol=1e-9), pieces(X, y, tasks)
        )
    np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-4)
    np.testing.assert_allclose(found.intercept_, whole.intercept_, atol=1e-4)


@pytest.mark.parametrize(
    "model",
    [
        CappedL1Classifier(),
        L21ClassifierCV(),
        PooledClassifier(),
        MixedEffectsClassifier(),
        OrdinalClassifier(),
        L21Classifier(class_weight="balanced"),
        L21Classifier(task_weight="null_loss"),
        MeanRegularizedClassifier("reml"),
        L21Regressor(loss="quantile"),
    ],
    ids=repr,
)
def test_what_needs_all_rows_says_so(model):
    with pytest.raises(ValueError, match="needs its rows in one place"):
        fit_chunks(model, pieces(*data(True)))
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y, t: (X[:, :2], y, t), "features"),
        (
            lambda X, y, t: (np.where(X[3, 1] == X, np.nan, X), y, t),
            "part 2: Input X contains NaN, first at row 3 in column 1",
        ),
        (lambda X, y, t: (X, y, t.astype(str)), "part 2: a part has the labels of ano"),
        (lambda X, y, t: (X, y.astype(str), t), "part 2: the classes are '0', '1' in"),
        (lambda X, y, t: (X, y[:-1], t), "part 2: y has shape"),
        (lambda X, y, t: (X, np.where(np.arange(y.size) == 0, 7, y), t), "3 classes"),
        (lambda X, y, t: (X, y), "part 2: rows with a task cannot be added to rows wi"),
        (
            lambda X, y, t: (X,),
            r"part 2: a chunk is a tuple \(X, y\), .* tuple o",
        ),
        (lambda X, y, t: {"X": X, "y": y}, "part 2: a chunk is a tuple .*, got a dict"),
    ],
)
@pytest.mark.parametrize("n_jobs", [None, 1])
def test_a_bad_part_is_one_clear_error_and_nothing_is_fitted(change, message, n_jobs):
    listed = pieces(*data(True))
    listed[2] = change(*listed[2])
    model = L21Classifier(0.05)
    if n_jobs is not None:  # what parts differ by is found when all have answered
        message = message.removeprefix("part 2: ")
    with pytest.raises((ValueError, TypeError), match=message):
        fit_chunks(model, listed, n_jobs=n_jobs)
    assert not hasattr(model, "coef_")


def test_no_rows_and_other_estimators_are_refused():
    with pytest.raises(ValueError, match="no row with a label"):
        fit_chunks(L21Classifier(), [])
    with pytest.raises(ValueError, match="no row with a label"):
        fit_chunks(L21Regressor(), [])
    with pytest.raises(TypeError, match="one of linmtl's"):
        fit_chunks(object(), [])


def test_columns_in_another_order_are_noticed():
    X, y, tasks = data(True)
    frame = pd.DataFrame(X, columns=list("abcdef"))
    parts = [(frame, y, tasks), (frame[list("bacdef")], y, tasks)]
    with pytest.raises(ValueError, match="columns of X differ"):
        fit_chunks(L21Classifier(), parts)


@pytest.mark.parametrize("column", [False, True])
def test_one_task_has_no_labels_and_a_column_is_a_target(column):
    X, y, tasks = data(True)
    model = L21Classifier(0.02, tol=1e-8)
    if column:  # as in fit, where there are tasks
        rows = X, y[:, None], tasks
        parts = [(X[:70], y[:70, None], tasks[:70]), (X[70:], y[70:], tasks[70:])]
    else:
        rows, parts = (X, y), [(X[:70], y[:70]), (X[70:], y[70:])]
    found = fit_chunks(clone(model), parts)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column is passed
        model.fit(*rows)
    assert found.coef_.shape == model.coef_.shape
    assert found.converged_
    np.testing.assert_allclose(found.coef_, model.coef_, atol=2e-3)
    given = (X,) if len(rows) == 2 else (X, tasks)
    np.testing.assert_array_equal(found.predict(*given), model.predict(*given))


def test_tasks_have_the_order_that_is_given():
    X, y, tasks = data(True)
    model = TemporalGroupClassifier(0.05, 0.3, task_order=[2, 0, 3, 1], tol=1e-8)
    found = fit_chunks(clone(model), pieces(X, y, tasks))
    model.fit(X, y, tasks)
    np.testing.assert_array_equal(found.tasks_, model.tasks_)
    np.testing.assert_allclose(found.coef_, model.coef_, atol=1e-4)
    labels = np.array([f"t{t}" for t in tasks])
    with pytest.raises(ValueError, match="depends on the order of the tasks"):
        fit_chunks(TemporalGroupClassifier(), pieces(X, y, labels))


@pytest.mark.parametrize("rest", [0, 3])
def test_a_source_that_ends_early_the_second_time_is_noticed(rest):
    listed, left = pieces(*data(True)), [5]

    def chunks():
        n = left.pop() if left else rest
        return listed[:n]

    model = L21Classifier(0.05)
    with pytest.raises(ValueError, match="the same rows each time"):
        fit_chunks(model, chunks)
    assert not hasattr(model, "coef_")


def test_an_iterator_is_enough_for_one_pass():
    X, y, tasks = data()
    listed = pieces(X, y, tasks)
    once = fit_chunks(L21Regressor(0.1), iter(listed))
    np.testing.assert_array_equal(
        once.coef_, fit_chunks(L21Regressor(0.1), listed).coef_
    )
    with pytest.raises(ValueError, match="gone through once only"):
        fit_chunks(L21Regressor(0.1, loss="huber"), iter(listed))
    parts = ListedParts(iter(listed))
    fit_parts(L21Regressor(0.1), parts)
    with pytest.raises(ValueError, match="gone through once only"):
        fit_parts(L21Regressor(0.1), parts)


def test_a_loss_without_curvature_at_some_rows_is_certified_closely():
    rng = np.random.default_rng(1)
    X, tasks = rng.standard_normal((400, 6)), rng.integers(4, size=400)
    W = rng.standard_normal((6, 4)) / 2
    y = np.einsum("ij,ji->i", X, W[:, tasks]) + rng.standard_normal(400)
    model = L21Regressor(0.02, loss="huber", tol=1e-7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_chunks(model, pieces(X, y, tasks, 2))
    assert model.n_iter_ <= 8


@pytest.mark.slow
@pytest.mark.parametrize("model", [L21Regressor, MeanRegularizedRegressor])
def test_rows_beyond_delta_are_found_in_few_rounds(model):
    """Newton's method alone, which lets go of all of them, takes up to a hundred."""
    X, y, tasks = data(n_samples=30, n_features=60)
    y = 2 * y / y.std() + np.random.default_rng(0).standard_t(2, y.size)
    model = fit_chunks(model(0.03, loss="huber"), pieces(X, y, tasks, 2))
    assert model.converged_
    assert model.n_iter_ <= 8


class Elsewhere:
    """What a user writes for an engine of its own."""

    def __init__(self, parts):
        self.parts = parts

    def reduce(self, question, merge):
        return reduce(merge, [question(part) for part in self.parts])


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_parts_of_another_engine_are_tuples(loss):
    X, y, tasks = data()
    listed = pieces(X, y, tasks)
    found = fit_parts(L21Regressor(0.1, loss=loss), Elsewhere(listed))
    again = fit_chunks(L21Regressor(0.1, loss=loss), listed)
    np.testing.assert_array_equal(found.coef_, again.coef_)
    chosen = fit_parts(L21RegressorCV(alphas=3, cv=3), Elsewhere(listed))
    assert chosen.alpha_ > 0


def test_one_part_is_all_rows():
    X, y, tasks = data()
    whole = TaskStatistics.of(X, y, tasks)
    found = L21Regressor(0.1).fit_statistics(whole)
    again = fit_chunks(L21Regressor(0.1), [(X, y, tasks)])
    np.testing.assert_array_equal(found.coef_, again.coef_)
    assert linmtl.TaskStatistics is TaskStatistics
