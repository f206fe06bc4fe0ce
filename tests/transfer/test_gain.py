"""Gains of pairs of tasks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.cluster.hierarchy import linkage
from sklearn.base import clone
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import PredefinedSplit

from helpers.folds import folds_of
from helpers.transfer import make_data, random_W
from linmtl import (
    CalibratedRegressor,
    ClusteredRegressor,
    ClusteredRegressorCV,
    DescriptorRegressor,
    GraphRegularizedRegressor,
    GraphRegularizedRegressorCV,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    NetworkLassoRegressor,
    PooledRegressor,
    TaskQuadraticRegressor,
    TemporalGroupRegressor,
    TraceNormRegressor,
    TreeGroupL21Regressor,
)
from linmtl.model_selection import TaskKFold
from linmtl.penalties import (
    L21,
    GraphLaplacian,
    MeanRegularized,
    Ridge,
    TaskQuadratic,
    TreeGroupL21,
)
from linmtl.transfer import (
    GroupedMultiTaskRegressor,
    SafeTransferRegressor,
    _gain,
    detect_sources,
    negative_transfer_report,
    transfer_gain,
)
from linmtl.transfer._subset import for_tasks


def dealt(tasks, n_splits=4):
    """Return the fold that tests each row."""
    splitter = TaskKFold(n_splits, shuffle=True, random_state=3)
    return folds_of(splitter, len(tasks), groups=tasks)


def gain_by_hand(estimator, X, y, tasks, fold, weight=None):
    """The definition, as a loop."""
    labels = np.unique(tasks)
    weight = np.ones(len(X)) if weight is None else weight

    def losses(chosen):
        out = {t: [] for t in chosen}
        mine = np.isin(tasks, chosen)
        for k in range(fold.max() + 1):
            train, test = mine & (fold != k), mine & (fold == k)
            model = estimator(chosen) if callable(estimator) else clone(estimator)
            model.fit(X[train], y[train], tasks[train], weight[train])
            for t in chosen:
                rows = test & (tasks == t)
                if hasattr(model, "classes_"):
                    p = model.predict_proba(X[rows], tasks[rows])
                    loss = log_loss(
                        y[rows], p, labels=model.classes_, sample_weight=weight[rows]
                    )
                else:
                    loss = mean_squared_error(
                        y[rows],
                        model.predict(X[rows], tasks[rows]),
                        sample_weight=weight[rows],
                    )
                out[t].append(loss)
        return {t: np.array(v) for t, v in out.items()}

    alone = {t: losses([t])[t] for t in labels}
    values = np.zeros((len(labels), len(labels)))
    for i, a in enumerate(labels):
        for j, b in enumerate(labels):
            if i != j:
                values[i, j] = 1 - losses([a, b])[b].mean() / alone[b].mean()
    return values


ESTIMATORS = {
    "mean": MeanRegularizedRegressor(0.3, tol=1e-8),
    "l21": L21Regressor(0.1, tol=1e-8),
    "trace": TraceNormRegressor(0.1, tol=1e-8),
    "n_samples": MeanRegularizedRegressor(0.3, task_weight="n_samples", tol=1e-8),
    "no-intercept": L21Regressor(0.1, fit_intercept=False, tol=1e-8),
    "tuned": L21RegressorCV(alphas=4, cv=3, tol=1e-8),
    "independent": IndependentRegressor(0.1),
    "sqrt": MultiTaskRegressor(L21(0.1), loss="sqrt", tol=1e-8),
    "classifier": L21Classifier(0.02, tol=1e-8),
    "mean-classifier": MeanRegularizedClassifier(0.1, tol=1e-8),
    "refit": L21Regressor(0.3, refit=True, tol=1e-8),
    "refit-classifier": L21Classifier(0.08, refit=0.1, tol=1e-8),
    "weighted-classifier": L21Classifier(0.02, class_weight={"yes": 3.0}, tol=1e-8),
    "balanced-classifier": L21Classifier(0.02, class_weight="balanced", tol=1e-8),
    "calibrated": CalibratedRegressor(0.1, tol=1e-8),
}


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n != "sqrt"])
@pytest.mark.slow
def test_gain_is_the_loop_written_out(name):
    estimator = ESTIMATORS[name]
    classify = "classifier" in name
    T = 3 if name == "tuned" else 4
    X, y, tasks = make_data(random_W(T), [25, 40, 33, 52][:T], classify=classify)
    fold = dealt(tasks)
    gain = transfer_gain(estimator, X, y, tasks, cv=PredefinedSplit(fold))
    expected = gain_by_hand(estimator, X, y, tasks, fold)
    np.testing.assert_allclose(gain.values, expected, atol=2e-5)
    assert gain.tasks.tolist() == [f"t{t}" for t in range(T)]
    assert gain.directed
    if name == "independent":  # nothing is shared
        np.testing.assert_allclose(gain.values, 0.0, atol=1e-9)
    else:
        assert np.all(gain.standard_errors[~np.eye(T, dtype=bool)] > 1e-6)


@pytest.mark.slow
def test_sample_weights_are_used():
    X, y, tasks = make_data(random_W(3), 30)
    weight = np.random.default_rng(0).integers(1, 4, size=len(X)).astype(float)
    fold = dealt(tasks)
    for name in ("l21", "n_samples", "tuned"):
        gain = transfer_gain(
            ESTIMATORS[name],
            X,
            y,
            tasks,
            cv=PredefinedSplit(fold),
            sample_weight=weight,
        )
        expected = gain_by_hand(ESTIMATORS[name], X, y, tasks, fold, weight)
        np.testing.assert_allclose(gain.values, expected, atol=2e-5)


def refit_every_set(monkeypatch):
    """Have the gain fitted set by set, without shared sums."""
    original = _gain._Problem.__init__

    def slow(self, *args):
        original(self, *args)
        self.simple = False
        self.rows = _gain.Rows(*args[:-1])
        self.fold_of_row = self.fold[self.data.weight > 0]

    monkeypatch.setattr(_gain._Problem, "__init__", slow)


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.slow
def test_a_task_with_a_single_class_neither_gains_nor_gives(rows):
    X, y, tasks = make_data(random_W(3), [rows, 60, 60], classify=True)
    y[tasks == "t0"] = "yes"
    cv = PredefinedSplit(dealt(tasks))
    for mode in (None, "n_samples"):  # the second is fitted pair by pair
        model = L21Classifier(0.02, task_weight=mode, tol=1e-8)
        gain = transfer_gain(model, X, y, tasks, cv=cv)
        assert np.isnan(gain.values[1:, 0]).all()
        assert np.isnan(gain.values[0, 1:]).all()
        assert np.isnan(gain.standard_errors[0, 1:]).all()
        assert np.isfinite(gain.values[1:, 1:]).all()
    report = negative_transfer_report(model, X, y, tasks, cv=4)
    assert report.verdict[0] == "undecided"
    assert np.isnan(report.alone.effect[0])
    assert np.isfinite(report.alone.effect[1:]).all()


@pytest.mark.slow
def test_a_training_part_with_a_single_class(monkeypatch):
    """Learned alone, the task predicts the odds that `fit` gives to such tasks."""
    X, y, tasks = make_data(random_W(3), 40, classify=True)
    fold = dealt(tasks)
    fold[(tasks == "t0") & (y == "no")] = 0
    cv, model = PredefinedSplit(fold), L21Classifier(0.02, tol=1e-8)
    fast = transfer_gain(model, X, y, tasks, cv=cv)
    refit_every_set(monkeypatch)
    refitted = transfer_gain(model, X, y, tasks, cv=cv)
    np.testing.assert_allclose(fast.values, refitted.values, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mean", "l21", "sqrt", "classifier"])
def test_shared_parts_and_refitting_agree(name, monkeypatch):
    estimator = ESTIMATORS[name]
    X, y, tasks = make_data(random_W(3), 40, classify="classifier" in name)
    fast = transfer_gain(estimator, X, y, tasks, cv=3)
    refit_every_set(monkeypatch)
    refitted = transfer_gain(estimator, X, y, tasks, cv=3)
    np.testing.assert_allclose(fast.values, refitted.values, atol=2e-5)
    np.testing.assert_allclose(
        fast.standard_errors, refitted.standard_errors, atol=2e-5
    )


def test_layouts_agree():
    rng = np.random.default_rng(0)
    W = random_W(3)
    X = rng.normal(size=(40, 5))
    Y = X @ W.T + rng.normal(size=(40, 3))
    Y[rng.uniform(size=Y.shape) < 0.2] = np.nan
    estimator = ESTIMATORS["l21"]
    fold = np.arange(40) % 4
    wide = transfer_gain(
        estimator, X, pd.DataFrame(Y, columns=list("abc")), cv=PredefinedSplit(fold)
    )
    row, column = np.nonzero(~np.isnan(Y))
    long = transfer_gain(
        estimator,
        X[row],
        Y[row, column],
        np.array(list("abc"))[column],
        cv=PredefinedSplit(fold[row]),
    )
    np.testing.assert_allclose(wide.values, long.values, atol=2e-5)
    frame = pd.DataFrame(X[row]).rename(columns=str).assign(site=column)
    inside = transfer_gain(
        clone(estimator).set_params(task_column="site"),
        frame,
        Y[row, column],
        cv=PredefinedSplit(fold[row]),
    )
    np.testing.assert_allclose(inside.values, long.values, atol=1e-12)


# --- settings by task ---------------------------------------------------------------

ADJACENCY = np.array([[0, 1, 0, 2], [1, 0, 3, 0], [0, 3, 0, 1], [2, 0, 1, 0.0]])
K = 3 * np.eye(4) - 0.3 * ADJACENCY
WEIGHT = np.array([1.0, 2.0, 0.5, 3.0])
Z = np.array([[1.0, 0.2], [0.3, 1.0], [1.0, -1.0], [0.5, 0.4]])
SIMILAR = np.eye(4) + 0.2 * ADJACENCY
# of four tasks, and by hand of those in the positions s
BY_TASK = {
    "graph": lambda s: GraphRegularizedRegressor(ADJACENCY[s][:, s], alpha_ridge=0.1),
    "sparse-graph": lambda s: GraphRegularizedRegressor(
        sparse.coo_array(ADJACENCY[s][:, s]), alpha_ridge=0.1
    ),
    "graph-list": lambda s: NetworkLassoRegressor(ADJACENCY[s][:, s].tolist(), 0.05),
    "graph-searched": lambda s: GraphRegularizedRegressorCV(
        ADJACENCY[s][:, s], alphas=[0.1, 1.0], cv=2
    ),
    "K": lambda s: TaskQuadraticRegressor(K[s][:, s], alpha=0.2),
    "K-in-a-sum": lambda s: MultiTaskRegressor(
        L21(0.1) + (Ridge(WEIGHT[s]) + TaskQuadratic(K[s][:, s], 0.1))
    ),
    "K-in-a-grid": lambda s: MultiTaskRegressorCV(
        TaskQuadratic(),
        param_grid={"K": [K[s][:, s], np.eye(len(s))]},
        alphas=[0.1, 1.0],
        cv=2,
    ),
    "strengths": lambda s: IndependentRegressor(WEIGHT[s].tolist()),
    "weights": lambda s: MeanRegularizedRegressor(0.3, task_weight=WEIGHT[s]),
    "weights-searched": lambda s: L21RegressorCV(
        task_weight=WEIGHT[s].tolist(), alphas=[0.1, 1.0], cv=2
    ),
    "weights-pooled": lambda s: PooledRegressor(task_weight=WEIGHT[s]),
    "descriptors": lambda s: DescriptorRegressor(Z[s], alpha=0.1),
    "inside": lambda s: SafeTransferRegressor(
        TaskQuadraticRegressor(K[s][:, s]), IndependentRegressor(WEIGHT[s]), cv=2
    ),
    "groups": lambda s: GroupedMultiTaskRegressor(
        MeanRegularizedRegressor(0.3, task_weight=WEIGHT[s]),
        groups=np.array(["x", "y", "x", "y"])[s],
    ),
    "similarity": lambda s: GroupedMultiTaskRegressor(
        MeanRegularizedRegressor(0.3), similarity=SIMILAR[s][:, s]
    ),
}


@pytest.mark.parametrize("name", list(BY_TASK))
@pytest.mark.slow
def test_gain_with_settings_by_task_is_the_loop_written_out(name):
    def part(chosen):
        model = BY_TASK[name](sorted(int(label[1]) for label in chosen))
        return model.set_params(tol=1e-8) if "tol" in model.get_params() else model

    X, y, tasks = make_data(random_W(4, own=1.0), [25, 40, 33, 52])
    fold = dealt(tasks, 2)
    estimator = part(["t0", "t1", "t2", "t3"])
    gain = transfer_gain(estimator, X, y, tasks, cv=PredefinedSplit(fold))
    expected = gain_by_hand(part, X, y, tasks, fold)
    np.testing.assert_allclose(gain.values, expected, atol=2e-5)


@pytest.mark.slow
def test_arrays_follow_the_order_of_the_tasks():
    """As what goes by task label, wherever parts of the tasks are fitted."""
    X, y, tasks = make_data(random_W(4, own=1.0), 20)
    order = ["t2", "t0", "t3", "t1"]
    array = GraphRegularizedRegressor(ADJACENCY, alpha_ridge=0.1, task_order=order)
    frame = pd.DataFrame(ADJACENCY, index=order, columns=order)
    labelled = clone(array).set_params(graph=frame)
    one, two = (transfer_gain(m, X, y, tasks, cv=2) for m in (array, labelled))
    assert one.tasks.tolist() == order
    np.testing.assert_allclose(one.values, two.values, atol=1e-12)
    one, two = (
        detect_sources(m, X, y, tasks, target="t3", cv=2) for m in (array, labelled)
    )
    np.testing.assert_allclose(one.losses, two.losses, atol=1e-12)
    # no row of t0 in the first training part, so that three tasks are fitted
    fold = np.where(tasks == "t0", 0, dealt(tasks, 2))
    cv = PredefinedSplit(fold)
    one, two = (
        negative_transfer_report(m, X, y, tasks, cv=cv) for m in (array, labelled)
    )
    np.testing.assert_allclose(one.losses["model"], two.losses["model"], atol=1e-12)
    assert np.isnan(one.losses["model"][0, 1])


@pytest.mark.parametrize(
    "tree",
    [
        linkage([[0.0], [0.2], [1.0], [3.0], [3.5]], "average"),
        [["a", "b"], (["a", "b", "c"], 0.5), (["d"], 2.0)],
        None,
    ],
    ids=["linkage", "list", "none"],
)
@pytest.mark.parametrize("chosen", [[0], [3], [0, 2], [1, 3, 4], [0, 1, 2, 3, 4]])
def test_part_of_a_tree_is_the_tree_where_the_other_tasks_are_zero(tree, chosen):
    tasks, chosen = np.array(list("abcde")), np.array(chosen)
    W = np.zeros((3, 5))
    W[:, chosen] = np.random.default_rng(0).normal(size=(3, chosen.size))
    whole = TreeGroupL21(tree, 0.7)
    part = for_tasks(whole, tasks, chosen)
    value = part.bind(tasks[chosen]).value(np.ascontiguousarray(W[:, chosen]))
    assert value == pytest.approx(whole.bind(tasks).value(W), rel=1e-12)
    assert value > 0


def test_gain_with_a_tree():
    X, y, tasks = make_data(random_W(4), 20)
    tree = linkage(Z, "average")
    estimators = [TreeGroupL21Regressor(t) for t in (tree, [["t0", "t1"]])]
    for estimator in estimators:
        gain = transfer_gain(estimator, X, y, tasks, cv=2)
        assert np.all(np.isfinite(gain.values))


@pytest.mark.parametrize(
    "estimator",
    [ClusteredRegressor(3), ClusteredRegressorCV([2, 3], alphas=[0.1, 1.0], cv=2)],
    ids=["given", "searched"],
)
def test_settings_for_more_tasks_than_are_fitted(estimator):
    X, y, tasks = make_data(random_W(4), 20)
    name = type(estimator).__name__
    message = (
        f"fitted alone and in pairs here, and {name} cannot be fitted to 2 of the 4 "
        r"tasks \('t0', 't1'\): Clustered: n_clusters=3"
    )
    with pytest.raises(ValueError, match=message):
        transfer_gain(estimator, X, y, tasks, cv=2)
    with pytest.raises(ValueError, match=message):
        detect_sources(estimator, X, y, tasks, target="t0", cv=2)
    fold = np.where(np.isin(tasks, ["t0", "t3"]), 0, dealt(tasks, 2))
    with pytest.raises(ValueError, match=r"left out, .* 2 of the 4 tasks"):
        negative_transfer_report(estimator, X, y, tasks, cv=PredefinedSplit(fold))


@pytest.mark.slow
def test_an_order_of_the_tasks_is_demanded():
    X, y, tasks = make_data(random_W(3), 20)
    for model in (
        TemporalGroupRegressor(),
        SafeTransferRegressor(TemporalGroupRegressor()),
    ):
        for call in (
            lambda m: transfer_gain(m, X, y, tasks, cv=2),
            lambda m: negative_transfer_report(m, X, y, tasks, cv=2),
            lambda m: detect_sources(m, X, y, tasks, target="t0", cv=2),
        ):
            with pytest.raises(ValueError, match="depends on the order of the tasks"):
                call(model)
            call(clone(model).set_params(task_order=["t1", "t0", "t2"]))


@pytest.mark.slow
def test_order_of_tasks_does_not_matter():
    X, y, tasks = make_data(random_W(4), 30)
    cv = PredefinedSplit(dealt(tasks))
    gain = transfer_gain(ESTIMATORS["mean"], X, y, tasks, cv=cv)
    model = clone(ESTIMATORS["mean"]).set_params(task_order=["t2", "t0", "t3", "t1"])
    other = transfer_gain(model, X, y, tasks, cv=cv)
    assert other.tasks.tolist() == ["t2", "t0", "t3", "t1"]
    np.testing.assert_allclose(
        other.values, gain.values[np.ix_([2, 0, 3, 1], [2, 0, 3, 1])], atol=1e-8
    )


def test_related_tasks_gain_and_unrelated_do_not():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 12))
    W = np.array([a, a, a, b, b, b]) + 0.1 * rng.normal(size=(6, 12))
    X, y, tasks = make_data(W, 40, noise=2.0)
    model = MultiTaskRegressor(MeanRegularized(1.0) + Ridge(0.05))
    gain = transfer_gain(model, X, y, tasks).values
    group = np.repeat([0, 1], 3)
    same = (group[:, None] == group) & ~np.eye(6, dtype=bool)
    assert gain[same].min() > 0.05
    assert gain[group[:, None] != group].mean() < -0.05


@pytest.mark.slow
def test_progress_and_parallel_runs():
    X, y, tasks = make_data(random_W(4), 30)
    seen = []
    one = transfer_gain(
        ESTIMATORS["mean"], X, y, tasks, cv=3, progress=lambda *a: seen.append(a)
    )
    assert seen[-1] == (30, 30)
    two = transfer_gain(ESTIMATORS["mean"], X, y, tasks, cv=3, n_jobs=2)
    np.testing.assert_allclose(one.values, two.values, atol=1e-12)


@pytest.mark.slow
def test_standard_error_is_that_of_the_gain():
    """Over fresh data the gain varies no more than its standard error says."""
    gains, errors = [], []
    for seed in range(60):
        X, y, tasks = make_data(random_W(2), 40, seed=seed)
        gain = transfer_gain(MeanRegularizedRegressor(0.5), X, y, tasks)
        gains.append(gain.values[0, 1])
        errors.append(gain.standard_errors[0, 1])
    assert 0.25 < np.std(gains) / np.median(errors) < 1.2


@pytest.mark.parametrize(
    ("estimator", "error", "match"),
    [
        ("l21", TypeError, "must be one of linmtl's"),
        (L21Regressor(-1.0), ValueError, "alpha must be"),
        (MultiTaskRegressor(GraphLaplacian(np.eye(3))), ValueError, "graph has shape"),
    ],
    ids=str,
)
def test_wrong_estimators(estimator, error, match):
    X, y, tasks = make_data(random_W(4), 20)
    with pytest.raises(error, match=match):
        transfer_gain(estimator, X, y, tasks)


def test_one_task_is_an_error():
    X, y, _ = make_data(random_W(2), 20)
    with pytest.raises(ValueError, match="the data have one task"):
        transfer_gain(L21Regressor(), X, y)
    with pytest.raises(ValueError, match="the data have one task"):
        negative_transfer_report(L21Regressor(), X, y)
