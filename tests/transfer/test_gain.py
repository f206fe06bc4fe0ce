"""Gains of pairs of tasks, and the report on tasks that sharing helps or hurts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from scipy.cluster.hierarchy import linkage
from sklearn.base import clone
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.model_selection import LeaveOneGroupOut, PredefinedSplit

from linmtl import (
    CalibratedRegressor,
    ClusteredRegressor,
    ClusteredRegressorCV,
    DescriptorRegressor,
    GraphRegularizedRegressor,
    GraphRegularizedRegressorCV,
    IndependentClassifier,
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
    lookahead_affinity,
    negative_transfer_report,
    transfer_gain,
)
from linmtl.transfer._report import compare_losses
from linmtl.transfer._subset import for_tasks


def make_data(W, n=40, noise=1.0, seed=0, classify=False):
    rng = np.random.default_rng(seed)
    T, d = W.shape
    sizes = np.broadcast_to(n, T)
    code = rng.permutation(np.repeat(np.arange(T), sizes))
    X = rng.normal(size=(code.size, d))
    eta = np.einsum("nd,nd->n", X, W[code]) + code
    y = eta + noise * rng.normal(size=code.size)
    if classify:
        y = np.where(y > code, "yes", "no")
    return X, y, np.array([f"t{t}" for t in range(T)])[code]


def random_W(T=4, d=5, seed=1, shared=1.0, own=0.5):
    rng = np.random.default_rng(seed)
    return shared * rng.normal(size=d) + own * rng.normal(size=(T, d))


def folds_of(X, y, tasks, n_splits=4):
    fold = np.empty(len(X), dtype=int)
    splitter = TaskKFold(n_splits, shuffle=True, random_state=3)
    for k, (_, test) in enumerate(splitter.split(X, y, tasks)):
        fold[test] = k
    return fold


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
    fold = folds_of(X, y, tasks)
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
    fold = folds_of(X, y, tasks)
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
    cv = PredefinedSplit(folds_of(X, y, tasks))
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


def test_a_training_part_with_a_single_class(monkeypatch):
    """Learned alone, the task predicts the odds that `fit` gives to such tasks."""
    X, y, tasks = make_data(random_W(3), 40, classify=True)
    fold = folds_of(X, y, tasks)
    fold[(tasks == "t0") & (y == "no")] = 0
    cv, model = PredefinedSplit(fold), L21Classifier(0.02, tol=1e-8)
    fast = transfer_gain(model, X, y, tasks, cv=cv)
    refit_every_set(monkeypatch)
    refitted = transfer_gain(model, X, y, tasks, cv=cv)
    np.testing.assert_allclose(fast.values, refitted.values, atol=2e-5)


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
    fold = folds_of(X, y, tasks, 2)
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
    fold = np.where(tasks == "t0", 0, folds_of(X, y, tasks, 2))
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
    fold = np.where(np.isin(tasks, ["t0", "t3"]), 0, folds_of(X, y, tasks, 2))
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


def test_order_of_tasks_does_not_matter():
    X, y, tasks = make_data(random_W(4), 30)
    cv = PredefinedSplit(folds_of(X, y, tasks))
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
        ("l21", TypeError, "must be one of linmtl's estimators"),
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


# --- lookahead ----------------------------------------------------------------------


def test_lookahead_is_a_step_of_each_gradient():
    X, y, tasks = make_data(random_W(3), [20, 30, 40])
    affinity = lookahead_affinity(X, y, tasks, alpha=0.1, step=0.05)
    w = PooledRegressor(0.1).fit(X, y, tasks).coef_[0]
    parts = []
    for t in np.unique(tasks):
        A = X[tasks == t] - X[tasks == t].mean(axis=0)
        r = y[tasks == t] - y[tasks == t].mean()
        parts.append((A, r))

    def loss(j, w):
        A, r = parts[j]
        return np.mean((r - A @ w) ** 2) / 2

    for i in range(3):
        A, r = parts[i]
        moved = w + 0.05 * A.T @ (r - A @ w) / len(r)
        for j in range(3):
            expected = 1 - loss(j, moved) / loss(j, w)
            np.testing.assert_allclose(affinity.values[i, j], expected, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_lookahead_finds_groups(loss):
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 10))
    W = np.array([a, a, b, b])
    X, y, tasks = make_data(W, 200, classify=loss == "logistic")
    affinity = lookahead_affinity(X, y, tasks, loss=loss).values
    assert np.all(affinity.diagonal() > 0)  # its own step does not go too far
    group = np.repeat([0, 1], 2)
    same = (group[:, None] == group) & ~np.eye(4, dtype=bool)
    assert affinity[same].min() > affinity[group[:, None] != group].max()
    with pytest.raises(ValueError, match="step must be"):
        lookahead_affinity(X, y, tasks, loss=loss, step=0.0)
    with pytest.raises(ValueError, match="loss must be one of"):
        lookahead_affinity(X, y, tasks, loss="hinge")


# --- the report ---------------------------------------------------------------------


def test_report_is_the_loop_written_out():
    X, y, tasks = make_data(random_W(3), [30, 45, 60])
    splits = list(TaskKFold(4, shuffle=True, random_state=0).split(X, y, tasks))
    estimator, alone = MeanRegularizedRegressor(0.5), IndependentRegressor(0.1)
    report = negative_transfer_report(
        estimator,
        X,
        y,
        tasks,
        baseline=alone,
        pooled=PooledRegressor(),
        cv=splits,
        level=0.1,
    )
    labels = np.unique(tasks)
    losses = {"model": [], "alone": [], "pooled": []}
    models = {"model": estimator, "alone": alone, "pooled": PooledRegressor()}
    for train, test in splits:
        for name, model in models.items():
            model = clone(model).fit(X[train], y[train], tasks[train])
            error = (y[test] - model.predict(X[test], tasks[test])) ** 2
            losses[name].append([error[tasks[test] == t].mean() for t in labels])
    for name, expected in losses.items():
        np.testing.assert_allclose(report.losses[name], expected, atol=1e-8)
    difference = np.array(losses["alone"]) - losses["model"]
    share = [
        sum(np.sum(tasks[test] == t) for _, test in splits)
        / sum(np.sum(tasks[train] == t) for train, _ in splits)
        for t in labels
    ]
    error = difference.std(axis=0, ddof=1) * np.sqrt(1 / 4 + np.array(share))
    t = difference.mean(axis=0) / error
    np.testing.assert_allclose(report.alone.p_value, 2 * stats.t.sf(np.abs(t), 3))
    reach = stats.t.ppf(0.95, 3) * error / np.mean(losses["alone"], axis=0)
    np.testing.assert_allclose(
        report.alone.high, np.minimum(report.alone.effect + reach, 1.0)
    )
    np.testing.assert_allclose(report.alone.effect - report.alone.low, reach)
    np.testing.assert_allclose(
        report.alone.adjusted, stats.false_discovery_control(report.alone.p_value)
    )
    assert np.isnan(report.overall_p_value)  # of three tasks
    frame = report.to_frame()
    assert frame.index.tolist() == labels.tolist()
    np.testing.assert_allclose(frame["effect_alone"], report.alone.effect)
    assert frame["n_samples"].tolist() == [30, 45, 60]


def planted(seed=0, classify=False):
    """Eight tasks that are alike, and two of their own kind."""
    rng = np.random.default_rng(seed)
    W = np.repeat(rng.normal(size=(1, 60)), 10, axis=0)
    W[8] = -2.0 * W[0]
    W[9] = rng.permutation(W[8])
    n = np.array([120] * 8 + [180] * 2) * (4 if classify else 1)
    return make_data(W, n, noise=6.0, seed=seed, classify=classify)


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.slow
def test_planted_tasks_are_flagged(classify):
    X, y, tasks = planted(classify=classify)
    kind = MeanRegularizedClassifier if classify else MeanRegularizedRegressor
    model = kind(0.3 if classify else 1.0)
    report = negative_transfer_report(model, X, y, tasks, cv=15)
    assert report.verdict[-2:].tolist() == ["hurt", "hurt"]
    helped = report.verdict[:8]
    assert "hurt" not in helped
    assert np.sum(helped == "helped") >= 6
    expected = stats.wilcoxon(report.alone.effect).pvalue
    assert report.overall_p_value == pytest.approx(expected)
    text = str(report)
    assert "2 hurt ('t8', 't9')" in report.summary
    saved = 100 * np.median(report.alone.effect)
    assert f"median saving {saved:+.1f} %" in report.summary
    assert saved > 0
    assert report.summary in text
    assert len(text.splitlines()) == 1 + 10 + 2
    assert report.loss == ("log loss" if classify else "mean squared error")


@pytest.mark.slow
def test_report_of_the_baseline_itself_finds_nothing():
    X, y, tasks = planted()
    report = negative_transfer_report(
        IndependentRegressor(0.1), X, y, tasks, baseline=IndependentRegressor(0.1)
    )
    assert set(report.verdict) == {"undecided"}
    np.testing.assert_array_equal(report.alone.effect, 0.0)
    np.testing.assert_array_equal(report.alone.p_value, 1.0)


@pytest.mark.slow
def test_false_discoveries_are_rare():
    """Where no model is better for any task, verdicts other than undecided are rare."""
    rng = np.random.default_rng(0)
    flagged = 0
    for seed in range(40):
        W = rng.normal(size=(6, 4))
        X, y, tasks = make_data(W, 40, seed=seed)
        order = rng.permutation(6)
        # two equally strong models: ridge of slightly different strength per task
        strengths = np.where(order < 3, 0.05, 0.0499)
        report = negative_transfer_report(
            IndependentRegressor(strengths),
            X,
            y + 0.0,
            tasks,
            baseline=IndependentRegressor(0.1 - strengths[::-1]),
            cv=8,
            random_state=seed,
        )
        flagged += np.any(report.verdict != "undecided")
    # "any task flagged" is a family-wise error: the level is .05 per repetition
    assert flagged <= 40 * 0.25


def test_corrected_test_keeps_its_level():
    """Differences with the correlation that overlapping splits have."""
    rng = np.random.default_rng(1)
    n_splits, share = 10, 0.25
    rejected, repetitions = 0, 2000
    correlation = share / (1 + share)
    for _ in range(repetitions):
        common = rng.normal(size=(1, 1)) * np.sqrt(correlation)
        own = rng.normal(size=(n_splits, 1)) * np.sqrt(1 - correlation)
        result = compare_losses(
            1.0 + common + own, np.ones((n_splits, 1)), name="alone", share=share
        )
        rejected += result.verdict[0] != "undecided"
    assert rejected / repetitions < 0.08


def test_tasks_that_are_never_held_out_are_undecided():
    X, y, tasks = make_data(random_W(3), [30, 30, 1])
    report = negative_transfer_report(MeanRegularizedRegressor(), X, y, tasks, cv=4)
    assert np.isnan(report.alone.effect[2])
    assert report.verdict[2] == "undecided"
    assert "nan" in str(report)


@pytest.mark.slow
def test_no_verdict_on_a_handful_of_rows():
    """Splits of two to four rows repeat themselves: their spread says nothing."""
    flagged = 0
    for seed in range(6):
        for k in (2, 3, 4):
            X, y, tasks = make_data(random_W(4), [k, 20, 20, 20], seed=seed)
            report = negative_transfer_report(
                MeanRegularizedRegressor(0.1),
                X,
                y,
                tasks,
                baseline=IndependentRegressor(0.1),
                cv=12,
                random_state=seed,
            )
            assert report.verdict[0] == "undecided"
            assert np.isnan(report.alone.p_value[0])
            flagged += np.sum(report.verdict != "undecided")
    assert flagged <= 12


def test_tasks_of_few_rows_are_tuned_in_fewer_folds():
    X, y, tasks = make_data(random_W(6), 5)
    report = negative_transfer_report(MeanRegularizedRegressor(0.1), X, y, tasks, cv=5)
    assert np.isfinite(report.losses["alone"]).all()


@pytest.mark.slow
def test_constant_targets_give_no_nonsense():
    X, y, tasks = make_data(random_W(3), 30)
    y[tasks == "t1"] = 3.1
    model = MeanRegularizedRegressor(0.1)
    gain = transfer_gain(model, X, y, tasks).values
    np.testing.assert_array_equal(gain[[0, 2], 1], -np.inf)
    assert np.all(np.isfinite(gain[:, [0, 2]]))
    report = negative_transfer_report(model, X, y, tasks, cv=6)
    assert report.losses["alone"][:, 1].max() == 0.0
    assert np.isnan(report.alone.effect[1])


@pytest.mark.slow
def test_a_task_predicted_perfectly_alone_is_judged():
    """There is no percentage of nothing, and yet a difference."""
    X, y, tasks = make_data(random_W(6), 100)
    y[tasks == "t1"] = 3.1
    report = negative_transfer_report(MeanRegularizedRegressor(1.0), X, y, tasks)
    assert report.losses["alone"][:, 1].max() == 0.0
    assert report.verdict[1] == "hurt"
    assert np.isnan(report.alone.effect[1])
    assert report.alone.difference[1] < 0
    assert report.alone.shown(1)[:2] == ("-", "-")
    row = next(line for line in str(report).split("\n") if line.startswith("t1"))
    assert row.split()[-4:-2] == ["-", "-"]
    assert row.endswith("hurt")
    lower = np.sum(report.alone.difference > 0)
    assert f"lower in {lower} of 6 tasks" in report.summary
    # no percentage says how much more it has lost than the others
    ranked = np.where(np.isnan(report.alone.effect), -1e6, report.alone.effect)
    assert report.overall_p_value == pytest.approx(stats.wilcoxon(ranked).pvalue)
    assert f"median saving {100 * np.median(ranked):+.1f} %" in report.summary


def test_no_loss_with_the_others_either():
    X, y, tasks = make_data(random_W(2), 40)
    y = np.where(tasks == "t1", 3.0, y)
    same = IndependentRegressor(0.1)
    report = negative_transfer_report(same, X, y, tasks, baseline=same, cv=5)
    assert report.losses["model"][:, 1].max() == 0.0
    assert report.verdict.tolist() == ["undecided", "undecided"]
    assert "lower in 0 of 2 tasks, median saving +0.0 %" in report.summary
    y[:] = 3.0
    report = negative_transfer_report(same, X, y, tasks, baseline=same, cv=5)
    assert "lower in 0 of 2 tasks" in report.summary


def test_a_loss_falls_by_no_more_than_all_of_it():
    rng = np.random.default_rng(0)
    model = 0.1 * rng.uniform(size=(8, 1))
    found = compare_losses(rng.uniform(0.1, 2, (8, 1)), model, name="alone", share=0.25)
    assert found.high[0] == 1.0
    assert found.low[0] < found.effect[0] < 1.0


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.slow
def test_pooled_is_tuned_and_has_the_intercepts_of_the_tasks(classify, fit_intercept):
    """Tasks with the same coefficients at different levels are one model."""
    rng = np.random.default_rng(0)
    code = np.repeat(np.arange(6), 40)
    X = rng.normal(size=(code.size, 5))
    eta = X.sum(axis=1) + (20.0 if not classify else 1.0) * code * fit_intercept
    y = eta + rng.normal(size=code.size)
    if classify:
        y = y > 2.5 * fit_intercept
    kind = MeanRegularizedClassifier if classify else MeanRegularizedRegressor
    model = kind(0.01, fit_intercept=fit_intercept)
    report = negative_transfer_report(model, X, y, code, cv=8)
    assert "helped" not in report.pooled.verdict
    assert np.median(report.pooled.effect) < 0.03
    # the strength matters where most features say nothing
    if not classify and fit_intercept:
        X = rng.normal(size=(60, 40))
        y = X[:, 0] + 3.0 * rng.normal(size=60)
        report = negative_transfer_report(model, X, y, code[::4], cv=8)
        untuned = negative_transfer_report(
            model, X, y, code[::4], cv=8, pooled=PooledRegressor(task_intercepts=True)
        )
        tuned, given = (r.losses["pooled"].mean() for r in (report, untuned))
        assert tuned < 0.7 * given


def test_splits_that_judge_no_task():
    X, y, tasks = make_data(random_W(3), 30)
    with pytest.raises(ValueError, match=r"cv judges no task.*within the tasks"):
        negative_transfer_report(L21Regressor(), X, y, tasks, cv=LeaveOneGroupOut())


def test_a_baseline_that_the_report_has_not():
    X, y, tasks = make_data(random_W(3), 30)
    report = negative_transfer_report(L21Regressor(0.1), X, y, tasks, cv=3)
    with pytest.raises(ValueError, match="against must be one of 'alone', 'pooled'"):
        report.plot(against="independent")


def test_other_layouts_and_jobs():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    Y = X @ random_W(3).T + rng.normal(size=(60, 3))
    one = negative_transfer_report(L21Regressor(0.1), X, Y, cv=3)
    two = negative_transfer_report(L21Regressor(0.1), X, Y, cv=3, n_jobs=2)
    np.testing.assert_allclose(one.alone.effect, two.alone.effect)
    assert one.tasks.tolist() == [0, 1, 2]
    frame = pd.DataFrame(X).rename(columns=str).assign(site="ab")
    frame["site"] = np.where(np.arange(60) % 2, "a", "b")
    inside = negative_transfer_report(
        L21Regressor(0.1, task_column="site"), frame, Y[:, 0], cv=3
    )
    assert inside.tasks.tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"level": 0.0}, "level must be between 0 and 1"),
        ({"cv": 1}, "cv must make at least 2 splits"),
        ({"cv": "five"}, "cv must be a number of splits"),
        ({"cv": None}, "cv must be a number of splits"),
    ],
)
def test_wrong_options(options, match):
    X, y, tasks = make_data(random_W(3), 30)
    with pytest.raises(ValueError, match=match):
        negative_transfer_report(L21Regressor(), X, y, tasks, **options)


def test_names_stay_on_their_line():
    X, y, tasks = make_data(random_W(3), 20)
    tasks = np.array(["north\nwing", "a\tb", "c"])[[int(t[1]) for t in tasks]]
    report = negative_transfer_report(MeanRegularizedRegressor(), X, y, tasks, cv=3)
    table, _, summary = str(report).partition("\n\n")
    lines = table.split("\n")
    assert len(lines) == 4
    assert "\t" not in table
    assert "\n" not in summary
    ends = {line.rindex("  ") for line in lines}
    assert len(ends) == 1  # the columns are aligned
    assert any(line.startswith(r"'north\nwing'  ") for line in lines)


# --- folds of estimators inside


@pytest.mark.parametrize(
    "call",
    [
        transfer_gain,
        negative_transfer_report,
        lambda model, *data: detect_sources(model, *data, target="t0"),
        lambda model, *data: SafeTransferRegressor(model).fit(*data),
        lambda model, *data: GroupedMultiTaskRegressor(model).fit(*data),
    ],
)
def test_folds_by_row_number_are_refused_inside(call):
    """They count the rows as passed, and inner fits have others."""
    X, y, tasks = make_data(random_W(3), 20)
    folds = list(TaskKFold(2).split(X, y, tasks))
    model = L21RegressorCV(alphas=3, cv=folds)
    model.fit(X, y, tasks)
    with pytest.raises(ValueError, match="L21RegressorCV lists row numbers"):
        call(model, X, y, tasks)


@pytest.mark.parametrize("kind", [SafeTransferRegressor, GroupedMultiTaskRegressor])
def test_the_order_of_tasks_is_set_outside(kind):
    X, y, tasks = make_data(random_W(3), 20)
    inside = TemporalGroupRegressor(task_order=["t2", "t0", "t1"])
    with pytest.raises(ValueError, match="set task_order here, and it is passed on"):
        kind(inside).fit(X, y, tasks)
    kind(inside, task_order=["t2", "t0", "t1"]).fit(X, y, tasks)


# --- tasks learned alone ------------------------------------------------------------


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("mode", ["null_loss", "minimax", "n_samples"])
def test_tasks_alone_are_tuned_alone_whatever_their_weight(classify, mode):
    """Each has the strength and the model that it has in data of its own."""
    n = [30, 60, 45]
    X, y, tasks = make_data(random_W(3), n, classify=classify)
    kind = IndependentClassifier if classify else IndependentRegressor
    if not classify:
        y = y * np.repeat([1.0, 10.0, 0.1], n)
    settings = {"tol": 1e-10, "max_iter": 100_000}
    model = kind("cv", task_weight=mode, **settings).fit(X, y, tasks)
    plain = kind("cv", **settings).fit(X, y, tasks)
    np.testing.assert_allclose(model.alpha_ / model.task_weight_, plain.alpha_)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-4, atol=1e-6)
    for t, label in enumerate(plain.tasks_):
        mine = tasks == label
        alone = kind(plain.alpha_[t], **settings).fit(X[mine], y[mine])
        np.testing.assert_allclose(
            model.coef_[t], np.ravel(alone.coef_), rtol=1e-4, atol=1e-6
        )
