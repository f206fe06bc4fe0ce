"""Clustering of several tasks and completion of time series."""

from __future__ import annotations

import itertools
import warnings

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.io import loadmat
from scipy.optimize import nnls
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers.convex import least
from helpers.files import FIXTURES
from linmtl.unsupervised import MultiTaskKMeans, TemporalMatrixCompletion
from linmtl.unsupervised import _completion as completion
from linmtl.unsupervised import _kmeans as kmeans


@parametrize_with_checks(
    [
        MultiTaskKMeans(n_init=2),
        MultiTaskKMeans(n_init=1, assignment="soft"),
        TemporalMatrixCompletion(),
        TemporalMatrixCompletion(shared_basis=True, n_init=2),
        TemporalMatrixCompletion(missing_values=0),
    ]
)
@pytest.mark.slow
def test_sklearn_checks(estimator, check):
    check(estimator)


# --- clustering


def blobs(n_tasks=3, n=30, k=3, d=5, shift=0.0, seed=0, noise=0.5):
    """Return rows with the same clusters in every task, but for a shift."""
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(n_tasks), n)
    cluster = rng.integers(k, size=len(tasks))
    centres = 8.0 * np.eye(k, d)
    X = centres[cluster] + noise * rng.standard_normal((len(tasks), d))
    X[:, -1] += shift * tasks
    return X, tasks, cluster


def clustering_objective(X, tasks, P, own, shared, components, share):
    """Return the objective as the documentation states it."""
    total = 0.0
    for t, label in enumerate(np.unique(tasks)):
        rows = tasks == label
        total += share * np.sum((X[rows] - P[rows] @ own[t]) ** 2)
        total += (1 - share) * np.sum((X[rows] @ components.T - P[rows] @ shared) ** 2)
    return total


def objective_of(model, X, tasks):
    return clustering_objective(
        X,
        tasks,
        model.assignments_,
        model.cluster_centers_,
        model.shared_centers_,
        model.components_,
        model.task_share,
    )


def scatter(X):
    return (X - X.mean(axis=0)).T @ (X - X.mean(axis=0)) if len(X) else 0.0


def minimum_over_centres(X, tasks, labels, k, n_components, share):
    """Return the objective of labels at the best centres and subspace."""
    own = sum(
        np.trace(np.atleast_2d(scatter(X[(tasks == t) & (labels == j)])))
        for t in np.unique(tasks)
        for j in range(k)
    )
    pooled = sum(scatter(X[labels == j]) for j in range(k))
    shared = np.linalg.eigvalsh(pooled)[:n_components].sum()
    return share * own + (1 - share) * shared


@pytest.mark.parametrize("share", [0.3, 0.8])
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.slow
def test_global_optimum_of_small_problems(share, seed):
    """Against all assignments of 9 rows without any structure to help."""
    X = np.random.default_rng(seed).standard_normal((9, 3))
    tasks = np.array([0, 1, 0, 1, 1, 0, 0, 1, 1])
    best = min(
        minimum_over_centres(X, tasks, np.array(labels), 2, 2, share)
        for labels in itertools.product(range(2), repeat=9)
    )
    model = MultiTaskKMeans(
        2, n_components=2, task_share=share, n_init=50, random_state=0
    ).fit(X, tasks=tasks)
    np.testing.assert_allclose(model.inertia_, best, rtol=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("assignment", ["hard", "soft"])
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.slow
def test_objective_and_its_parts(share, assignment, seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((40, 6)) + 2.0
    tasks = rng.choice(["a", "b", "c"], size=40)
    model = MultiTaskKMeans(
        3,
        n_components=2,
        task_share=share,
        assignment=assignment,
        n_init=2,
        max_iter=2000,
        random_state=seed,
    ).fit(X, tasks=tasks)
    assert np.all(np.diff(model.history_) <= 1e-10 * model.history_[:-1])
    value = objective_of(model, X, tasks)
    np.testing.assert_allclose(value, model.inertia_, rtol=1e-7, atol=1e-12)
    R = model.components_
    np.testing.assert_allclose(R @ R.T, np.eye(2), atol=1e-12)
    np.testing.assert_array_equal(model.predict(X, tasks=tasks), model.labels_)
    np.testing.assert_array_equal(model.tasks_, ["a", "b", "c"])
    # no other subspace or centres are better for these assignments
    P = model.assignments_
    own, shared = model.cluster_centers_, model.shared_centers_
    at = lambda *new: clustering_objective(X, tasks, P, *new, share)
    lowest = model.inertia_ * (1 - (1e-3 if assignment == "soft" else 1e-10))
    for _ in range(20):
        Q = np.linalg.qr(R.T + 0.1 * rng.standard_normal((6, 2)))[0].T
        assert at(own, np.linalg.lstsq(P, X @ Q.T, rcond=None)[0], Q) >= lowest
        assert at(own + 0.1 * rng.standard_normal(own.shape), shared, R) >= lowest
        assert at(own, shared + 0.1 * rng.standard_normal(shared.shape), R) >= lowest


def test_hard_centres_are_means():
    X, tasks, _ = blobs(noise=3.0)
    model = MultiTaskKMeans(3, tol=0.0, random_state=0).fit(X, tasks=tasks)
    for t, j in itertools.product(range(3), range(3)):
        rows = (tasks == t) & (model.labels_ == j)
        np.testing.assert_allclose(model.cluster_centers_[t, j], X[rows].mean(axis=0))
        shared = X[model.labels_ == j].mean(axis=0) @ model.components_.T
        np.testing.assert_allclose(model.shared_centers_[j], shared)
    np.testing.assert_array_equal(model.assignments_.argmax(axis=1), model.labels_)
    np.testing.assert_array_equal(np.unique(model.assignments_), [0.0, 1.0])


def sklearn_kmeans(X, k):
    return KMeans(k, n_init=20, random_state=0, tol=0).fit(X)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_one_task_and_all_features_is_kmeans(share):
    X, _, _ = blobs(noise=2.5)
    model = MultiTaskKMeans(
        3, n_components=5, task_share=share, n_init=20, random_state=0
    ).fit(X)
    expected = sklearn_kmeans(X, 3)
    np.testing.assert_allclose(model.inertia_, expected.inertia_, rtol=1e-6)
    assert adjusted_rand_score(model.labels_, expected.labels_) == 1.0
    np.testing.assert_array_equal(model.tasks_, [0])


@pytest.mark.slow
def test_tasks_by_themselves_and_tasks_pooled():
    X, tasks, _ = blobs(shift=20.0, noise=2.0)
    alone = MultiTaskKMeans(3, task_share=1.0, n_init=30, random_state=0)
    expected = sum(sklearn_kmeans(X[tasks == t], 3).inertia_ for t in range(3))
    np.testing.assert_allclose(alone.fit(X, tasks=tasks).inertia_, expected, rtol=1e-6)
    pooled = MultiTaskKMeans(
        3, n_components=5, task_share=0.0, n_init=20, random_state=0
    ).fit(X, tasks=tasks)
    expected = sklearn_kmeans(X, 3)
    np.testing.assert_allclose(pooled.inertia_, expected.inertia_, rtol=1e-6)
    assert adjusted_rand_score(pooled.labels_, expected.labels_) == 1.0


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_clusters_mean_the_same_in_every_task(share):
    """The tasks lie apart; only within the subspace do clusters coincide."""
    X, tasks, cluster = blobs(shift=50.0)
    model = MultiTaskKMeans(3, task_share=share, n_components=3, random_state=0)
    assert adjusted_rand_score(cluster, model.fit_predict(X, tasks=tasks)) == 1.0
    assert np.all(np.abs(model.components_[:, -1]) < 0.05)
    # what K-means of all rows finds are the tasks
    assert adjusted_rand_score(tasks, sklearn_kmeans(X, 3).labels_) == 1.0


def test_whitening_makes_the_subspace_that_of_the_clusters():
    """Tight features without clusters draw the subspace, as documented."""
    rng = np.random.default_rng(1)
    X, tasks, cluster = blobs(k=2, d=2, n=100)
    X = np.column_stack([X, 0.1 * rng.standard_normal((len(X), 3))])
    raw = MultiTaskKMeans(2, n_components=1, task_share=0.0, random_state=0)
    raw.fit(X, tasks=tasks)
    assert np.all(np.abs(raw.components_[:, :2]) < 0.1)
    X = PCA(whiten=True).fit_transform(X)
    white = clone(raw).fit(X, tasks=tasks)
    assert adjusted_rand_score(cluster, white.labels_) == 1.0


@pytest.mark.slow
def test_invariances_of_clustering():
    X, tasks, _ = blobs(noise=2.0, seed=3)
    rng = np.random.default_rng(0)
    model = MultiTaskKMeans(3, n_components=2, n_init=20, random_state=0)
    first = clone(model).fit(X, tasks=tasks)
    again = clone(model).fit(X, tasks=tasks)
    np.testing.assert_array_equal(first.labels_, again.labels_)
    assert first.inertia_ == again.inertia_
    order = rng.permutation(len(X))
    permuted = clone(model).fit(X[order], tasks=tasks[order])
    np.testing.assert_allclose(permuted.inertia_, first.inertia_)
    assert adjusted_rand_score(permuted.labels_, first.labels_[order]) == 1.0
    Q = np.linalg.qr(rng.standard_normal((5, 5)))[0]
    moved = clone(model).fit(3.0 * X @ Q + 7.0, tasks=tasks)
    np.testing.assert_allclose(moved.inertia_, 9 * first.inertia_)
    assert adjusted_rand_score(moved.labels_, first.labels_) == 1.0
    np.testing.assert_allclose(
        moved.components_.T @ moved.components_,
        Q.T @ first.components_.T @ first.components_ @ Q,
        atol=1e-8,
    )


def test_exchanged_names_are_repaired():
    X, tasks, cluster = blobs(n_tasks=2)
    data = kmeans._Data(X, tasks, 2)
    labels = np.where(tasks == 1, (cluster + 1) % 3, cluster)
    good = np.eye(3)[cluster]
    model = kmeans._best_model(data, good, 3, 0.5, np.zeros((3, 5)))
    swapped = kmeans._Model(
        np.array([model.own[0], model.own[1][[2, 0, 1]]]),
        model.pooled,
        model.components,
        0.5,
    )
    out = kmeans._escape(data, labels, swapped, 0.0)
    np.testing.assert_array_equal(out, cluster)
    assert kmeans._escape(data, cluster, model, 0.0) is None


@pytest.mark.parametrize("seed", range(10))
def test_escapes_lower_the_objective(seed):
    """From any labels, clusters empty here and there and everywhere."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((24, 3))
    tasks = np.repeat([0, 1, 2], 8)
    labels = rng.integers(4, size=24) + (rng.random() < 0.5)
    labels[tasks == 0] = rng.integers(2, size=8)
    data = kmeans._Data(X, tasks, 3)
    P = np.eye(6)[labels]
    model = kmeans._best_model(data, P, 2, 0.5, np.zeros((6, 3)))
    before = model.value(data, P)
    out = kmeans._escape(data, labels, model, 0.0)
    assert out is not None
    P = np.eye(6)[out]
    after = kmeans._best_model(data, P, 2, 0.5, model.pooled).value(data, P)
    assert after < before


@pytest.mark.parametrize("k", [3, 4])  # of four clusters one is empty
@pytest.mark.parametrize("seed", range(3))
def test_gain_of_a_single_move_is_exact(k, seed):
    """The threshold lets the best move through just below its true gain."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((10, 2))
    tasks = np.repeat([0, 1], 5)
    labels = np.concatenate([rng.permutation([0, 0, 1, 1, 2]) for _ in range(2)])
    value = lambda labels: minimum_over_centres(X, tasks, labels, k, 2, 0.6)
    neighbours = []
    for i, j in itertools.product(range(10), range(k)):
        moved = labels.copy()
        moved[i] = j
        neighbours.append(moved)
    best = min(neighbours, key=value)
    gain = value(labels) - value(best)
    assert gain > 0
    data = kmeans._Data(X, tasks, 2)
    model = kmeans._best_model(data, np.eye(k)[labels], 2, 0.6, np.zeros((k, 2)))
    total, shared = model.costs(data)
    move = lambda floor: kmeans._single_moves(
        data, labels, total - shared, shared, floor, by_task=False
    )
    np.testing.assert_array_equal(move(gain * (1 - 1e-9)), best)
    assert move(gain * (1 + 1e-9)) is None


def test_few_rows_and_equal_rows():
    X, tasks, _ = blobs(n_tasks=2, n=10)
    X, tasks = X[:12], tasks[:12]  # two rows in the second task, four clusters
    model = MultiTaskKMeans(4, n_init=3, random_state=0).fit(X, tasks=tasks)
    assert np.all(np.isfinite(model.cluster_centers_))
    absent = [j for j in range(4) if j not in model.labels_[tasks == 1]]
    pooled = np.array([X[model.labels_ == j].mean(axis=0) for j in absent])
    np.testing.assert_allclose(model.cluster_centers_[1, absent], pooled)
    for assignment in ("hard", "soft"):
        model = MultiTaskKMeans(3, assignment=assignment, n_init=2, random_state=0)
        model.fit(np.ones((6, 2)), tasks=[0, 0, 0, 1, 1, 1])
        assert model.inertia_ == pytest.approx(0.0, abs=1e-20)
        assert np.all(np.isfinite(model.cluster_centers_))


@pytest.mark.parametrize("scale", [1e-100, 1e100])
@pytest.mark.parametrize("assignment", ["hard", "soft"])
def test_scale_of_the_data(scale, assignment):
    X, tasks, cluster = blobs()
    model = MultiTaskKMeans(3, assignment=assignment, n_init=3, random_state=0)
    labels = model.fit_predict(scale * X, tasks=tasks)
    assert adjusted_rand_score(cluster, labels) == 1.0


def test_soft_assignments_are_optimal():
    X, tasks, _ = blobs(noise=1.0)
    model = MultiTaskKMeans(
        3, task_share=0.6, assignment="soft", n_init=2, random_state=0
    )
    model.fit(X, tasks=tasks)
    for i in range(0, len(X), 7):
        A = np.vstack(
            [
                np.sqrt(0.6) * model.cluster_centers_[tasks[i]].T,
                np.sqrt(0.4) * model.shared_centers_.T,
            ]
        )
        b = np.concatenate(
            [np.sqrt(0.6) * X[i], np.sqrt(0.4) * model.components_ @ X[i]]
        )
        np.testing.assert_allclose(model.assignments_[i], nnls(A, b)[0], atol=1e-8)
    P = model.assignments_
    np.testing.assert_allclose(np.sum(P**2, axis=0) / P.sum(axis=0), 1.0, rtol=1e-7)


class Clusters:
    """One run of MALSAR's LSSMTC."""

    def __init__(self, k):
        run = loadmat(FIXTURES / "unsupervised" / f"LSSMTC_{k}.mat")
        Xs = [x.T for x in run["X"].ravel()]
        self.X = np.vstack(Xs)
        self.tasks = np.repeat(np.arange(len(Xs)), [len(x) for x in Xs])
        self.cluster = np.concatenate([g.ravel() for g in run["gnd"].ravel()])
        params = run["params"][0, 0]
        self.n_clusters = int(params["c"].item())
        self.n_components = int(params["l"].item())
        self.share = float(params["lambda"].item())
        self.own = np.array([m.T for m in run["cellM"].ravel()])
        self.P = np.vstack(list(run["cellP"].ravel()))
        self.W = run["W"]
        self.objective = float(run["objective"].item())

    def objective_at(self, P, own, components):
        """MALSAR's objective, the shared centres at their optimum."""
        shared = np.linalg.lstsq(P, self.X @ components.T, rcond=None)[0]
        return clustering_objective(
            self.X, self.tasks, P, own, shared, components, self.share
        )

    def fit(self, assignment):
        return MultiTaskKMeans(
            self.n_clusters,
            n_components=self.n_components,
            task_share=self.share,
            assignment=assignment,
            n_init=3,
            max_iter=1000,
            random_state=0,
        ).fit(self.X, tasks=self.tasks)


@pytest.mark.slow
@pytest.mark.parametrize("k", [1, 2])
def test_clusters_of_malsar(k):
    """Its assignments are non-negative numbers, its subspace stays where it starts.

    Non-negative combinations fit better than single clusters do, so it is the soft
    form that has to be at least as low in its objective.
    """
    theirs = Clusters(k)
    at_theirs = theirs.objective_at(theirs.P, theirs.own, theirs.W.T)
    np.testing.assert_allclose(at_theirs, theirs.objective, rtol=1e-7)
    soft, hard = theirs.fit("soft"), theirs.fit("hard")
    at_ours = theirs.objective_at(
        soft.assignments_, soft.cluster_centers_, soft.components_
    )
    np.testing.assert_allclose(at_ours, soft.inertia_, rtol=1e-5)
    assert at_ours < 0.95 * at_theirs
    at_hard = theirs.objective_at(
        hard.assignments_, hard.cluster_centers_, hard.components_
    )
    np.testing.assert_allclose(at_hard, hard.inertia_)
    assert at_hard > at_theirs
    for model in (soft, hard):
        assert adjusted_rand_score(theirs.cluster, model.labels_) == 1.0


@pytest.mark.parametrize("k", [1, 2])
def test_clustering_goes_down_from_malsar(k):
    theirs = Clusters(k)
    data = kmeans._Data(theirs.X, theirs.tasks, 2)
    absent = np.zeros((theirs.n_clusters, theirs.X.shape[1]))
    model = kmeans._best_model(
        data, theirs.P, theirs.n_components, theirs.share, absent
    )
    first = model.value(data, theirs.P)
    second = model.value(data, model.soft(data, theirs.P))
    assert theirs.objective > first > second


def test_task_column():
    X, tasks, _ = blobs()
    names = np.array(["x", "y", "z"])[tasks]
    model = MultiTaskKMeans(3, n_init=2, random_state=0)
    expected = clone(model).fit(X, tasks=names)
    frame = pd.DataFrame(X, columns=list("abcde"))
    frame.insert(2, "site", names)
    by_name = clone(model).set_params(task_column="site").fit(frame)
    np.testing.assert_array_equal(by_name.labels_, expected.labels_)
    np.testing.assert_array_equal(by_name.predict(frame), expected.labels_)
    assert by_name.n_features_in_ == 6
    assert list(by_name.feature_names_in_) == list(frame.columns)
    array = np.column_stack([X, tasks])
    by_index = clone(model).set_params(task_column=-1).fit(array)
    np.testing.assert_array_equal(by_index.labels_, expected.labels_)
    with pytest.raises(ValueError, match="use one of the two"):
        by_index.fit(array, tasks=tasks)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_clusters": 0}, "n_clusters must be an integer >= 1, got 0"),
        ({"n_clusters": 2.0}, "n_clusters must be an integer"),
        ({"n_clusters": 91}, "n_samples=90 should be >= n_clusters=91"),
        ({"n_components": 6}, "n_components=6 but X has 5 features"),
        ({"n_components": True}, "n_components must be an integer"),
        ({"task_share": 1.5}, "task_share must be a number from 0 to 1, got 1.5"),
        ({"task_share": "half"}, "task_share must be a number"),
        (
            {"assignment": "fuzzy"},
            "assignment must be one of 'hard', 'soft', got 'fuzzy'",
        ),
        ({"n_init": 0}, "n_init must be"),
        ({"max_iter": None}, "max_iter must be"),
        ({"tol": np.nan}, "tol must be"),
    ],
)
def test_wrong_parameters_of_clustering(parameters, message):
    X, tasks, _ = blobs()
    model = MultiTaskKMeans(3).set_params(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X, tasks=tasks)


def test_wrong_input_of_clustering():
    X, tasks, _ = blobs()
    model = MultiTaskKMeans(3, n_init=1, random_state=0)
    with pytest.raises(NotFittedError):
        model.predict(X, tasks=tasks)
    with pytest.raises(ValueError, match="tasks has 5 labels but X has 90 rows"):
        model.fit(X, tasks=tasks[:5])
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        model.fit(sparse.csr_array(X), tasks=tasks)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.where(X > 8, np.nan, X), tasks=tasks)
    model.fit(X, tasks=tasks)
    with pytest.raises(ValueError, match="pass tasks="):
        model.predict(X)
    with pytest.raises(ValueError, match=r"labels 7.*not seen.*knows 0, 1, 2"):
        model.predict(X[:2], tasks=[0, 7])
    model.fit(X)
    with pytest.raises(ValueError, match="drop tasks="):
        model.predict(X, tasks=tasks)


def test_a_warning_without_convergence():
    X, tasks, _ = blobs(noise=3.0)
    model = MultiTaskKMeans(3, n_init=1, max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        model.fit(X, tasks=tasks)
    assert not model.converged_
    np.testing.assert_array_equal(model.predict(X, tasks=tasks), model.labels_)
    np.testing.assert_allclose(objective_of(model, X, tasks), model.inertia_)


# --- completion


def series(lengths=(20, 15, 30), d=8, observed=0.4, seed=0, noise=0.0):
    """Return dense matrices of rank 2 with smooth loadings, and observed parts."""
    rng = np.random.default_rng(seed)
    U = np.repeat(np.eye(2), d // 2, axis=0) * rng.uniform(0.5, 2.0, size=(d, 1))
    dense = []
    for i, t in enumerate(lengths):
        time = np.arange(t) / 8 + i
        V = np.array([2 + np.cos(time), 1 + np.sin(0.7 * time)])
        dense.append(U @ V + noise * rng.standard_normal((d, t)))
    mask = [rng.random(X.shape) < observed for X in dense]
    return dense, [np.where(m, X, np.nan) for X, m in zip(dense, mask, strict=True)]


def completion_objective(Xs, Us, Vs, l1, ridge, smooth, shared):
    """Return the objective as the documentation states it."""
    total = l1 * (Us[0].sum() if shared else sum(U.sum() for U in Us))
    for X, U, V in zip(Xs, Us, Vs, strict=True):
        inside = np.nansum((X - U @ V) ** 2) + ridge * np.sum(V**2)
        total += (inside + smooth * np.sum(np.diff(V, axis=1) ** 2)) / (2 * X.shape[1])
    return total


def bases_of(model):
    if model.shared_basis:
        return [model.bases_] * len(model.loadings_)
    return list(model.bases_)


def value_of(model, Xs):
    return completion_objective(
        Xs,
        bases_of(model),
        model.loadings_,
        model.alpha_l1,
        model.alpha_ridge,
        model.alpha_smooth,
        model.shared_basis,
    )


shared_or_not = pytest.mark.parametrize("shared", [False, True])


@shared_or_not
@pytest.mark.parametrize("smooth", [0.0, 0.5])
@pytest.mark.slow
def test_completion_is_stationary(shared, smooth):
    """Both halves against cvxpy, the other half held."""
    _, Xs = series(lengths=(6, 9), noise=0.3)
    model = TemporalMatrixCompletion(
        3, shared_basis=shared, alpha_smooth=smooth, alpha_l1=0.05, tol=1e-6
    )
    model.fit(Xs)
    assert model.converged_
    assert model.stationarity_ <= 1e-6
    assert np.all(np.diff(model.history_) <= 1e-12)
    assert len(model.history_) == model.n_iter_ + 1
    assert np.all(model.bases_ >= 0)
    np.testing.assert_allclose(value_of(model, Xs), model.objective_)
    Us, Vs = bases_of(model), model.loadings_

    def terms(U, V, X):
        seen = (~np.isnan(X)).astype(float)
        fit = cp.sum_squares(cp.multiply(seen, np.nan_to_num(X) - U @ V))
        out = fit + model.alpha_ridge * cp.sum_squares(V)
        if smooth:
            out += smooth * cp.sum_squares(V[:, 1:] - V[:, :-1])
        return out / (2 * X.shape[1])

    free = [cp.Variable(V.shape) for V in Vs]
    loss = sum(terms(U, V, X) for U, V, X in zip(Us, free, Xs, strict=True))
    best = least(loss)
    best += model.alpha_l1 * np.sum(Us[0] if shared else Us)
    np.testing.assert_allclose(model.objective_, best, rtol=1e-6)
    for V, optimal in zip(Vs, free, strict=True):
        np.testing.assert_allclose(V, optimal.value, atol=1e-4)

    bases = [cp.Variable(U.shape, nonneg=True) for U in Us]
    if shared:
        bases = [bases[0]] * len(Us)
    loss = sum(terms(U, V, X) for U, V, X in zip(bases, Vs, Xs, strict=True))
    sums = cp.sum(bases[0]) if shared else sum(cp.sum(U) for U in bases)
    best = least(loss + model.alpha_l1 * sums)
    np.testing.assert_allclose(model.objective_, best, rtol=1e-6)


@shared_or_not
def test_scale_between_basis_and_loadings(shared):
    """At a stationary point the sum of a column of U pays twice what its V pays."""
    _, Xs = series()
    model = TemporalMatrixCompletion(3, shared_basis=shared, tol=1e-6).fit(Xs)
    pays = np.array(
        [
            (0.1 * np.sum(V**2, axis=1) + 0.5 * np.sum(np.diff(V) ** 2, axis=1))
            / (2 * V.shape[1])
            for V in model.loadings_
        ]
    )
    pays = pays.sum(axis=0) if shared else pays
    sums = model.bases_.sum(axis=-2)
    assert np.all(sums.max(axis=-1) > 0)
    np.testing.assert_allclose(0.01 * sums, 2 * pays, rtol=1e-4, atol=1e-10)


@shared_or_not
@pytest.mark.slow
def test_what_is_missing_is_found(shared):
    dense, Xs = series()
    model = TemporalMatrixCompletion(
        2, shared_basis=shared, alpha_l1=1e-3, alpha_ridge=1e-3, alpha_smooth=0.1
    )
    filled = model.fit_transform(Xs)
    error = scale = 0.0
    for X, truth, out in zip(Xs, dense, filled, strict=True):
        missing = np.isnan(X)
        np.testing.assert_array_equal(out[~missing], X[~missing])
        error += np.sum((out - truth)[missing] ** 2)
        mean = np.broadcast_to(np.nanmean(X, axis=1, keepdims=True), X.shape)
        scale += np.sum((mean - truth)[missing] ** 2)
    assert error < (0.05 if shared else 0.15) * scale


@shared_or_not
@pytest.mark.slow
def test_forms_of_input(shared):
    _, Xs = series()
    model = TemporalMatrixCompletion(2, shared_basis=shared, tol=1e-3)
    listed = clone(model)
    expected = listed.fit_transform(Xs)
    np.testing.assert_array_equal(listed.tasks_, [0, 1, 2])
    assert listed.n_features_in_ == 8
    # a table, its sequences mixed but each in the order of time
    names = np.repeat(["a", "b", "c"], [X.shape[1] for X in Xs])
    table, dense = (np.vstack([X.T for X in part]) for part in (Xs, expected))
    order = np.random.default_rng(0).permutation(len(table))
    for name in "abc":
        order[np.flatnonzero(names[order] == name)] = np.flatnonzero(names == name)
    mixed = clone(model)
    out = mixed.fit_transform(table[order], tasks=names[order])
    np.testing.assert_array_equal(out, dense[order])
    np.testing.assert_array_equal(mixed.tasks_, ["a", "b", "c"])
    assert mixed.objective_ == listed.objective_
    np.testing.assert_array_equal(
        mixed.transform(table[order], tasks=names[order]), dense[order]
    )
    # other marks of a missing value
    for mark, form in [(0, np.asarray), (0.0, sparse.csr_array), (-9, np.asarray)]:
        marked = [form(np.where(np.isnan(X), mark, X)) for X in Xs]
        for out, X in zip(
            clone(model).set_params(missing_values=mark).fit_transform(marked),
            expected,
            strict=True,
        ):
            np.testing.assert_array_equal(out, X)
    nested = clone(model).fit_transform([X.tolist() for X in Xs])
    np.testing.assert_array_equal(nested[1], expected[1])


def test_frames_and_names():
    _, Xs = series()
    frame = pd.DataFrame(Xs[0].T, columns=list("abcdefgh"))
    model = TemporalMatrixCompletion(2, tol=1e-3).set_output(transform="pandas")
    out = model.fit_transform(frame)
    assert list(out.columns) == list(frame.columns)
    assert not out.isna().any().any()
    pd.testing.assert_frame_equal(model.transform(frame), out)


@shared_or_not
@pytest.mark.slow
def test_transform(shared):
    _, Xs = series()
    model = TemporalMatrixCompletion(
        2, shared_basis=shared, n_init=2, random_state=0, tol=1e-3
    )
    expected = model.fit_transform(Xs)
    for a, b in zip(model.transform(Xs), expected, strict=True):
        np.testing.assert_array_equal(a, b)
    # each by itself, whatever else is transformed, and in any order
    for a, b in zip(model.transform(Xs[::-1]), expected[::-1], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(model.transform(Xs[1:2])[0], expected[1], atol=1e-12)
    fitted = clone(model).set_params(keep_observed=False).fit(Xs)
    for out, U, V in zip(
        fitted.transform(Xs), bases_of(fitted), fitted.loadings_, strict=True
    ):
        np.testing.assert_allclose(out, U @ V, atol=1e-12)


@pytest.mark.slow
def test_a_shared_basis_serves_new_sequences():
    """Little is observed of the new ones, too little for a basis of their own."""
    dense, Xs = series(lengths=(30, 30, 30, 30, 25), observed=0.5)
    truth = dense[-1]
    rng = np.random.default_rng(1)
    new = np.where(rng.random(truth.shape) < 0.12, truth, np.nan)
    errors = []
    for shared in (True, False):
        model = TemporalMatrixCompletion(
            2, shared_basis=shared, alpha_l1=1e-3, alpha_ridge=1e-3, tol=1e-3
        ).fit(Xs[:-1])
        errors.append(np.abs(model.transform([new])[0] - truth).mean())
    assert errors[0] < 0.5 * errors[1]


@shared_or_not
@pytest.mark.slow
def test_invariances_of_completion(shared):
    _, Xs = series(noise=0.2)
    model = TemporalMatrixCompletion(2, shared_basis=shared, tol=1e-6)
    expected = clone(model).fit_transform(Xs)
    first = clone(model).fit(Xs)
    # time runs backwards
    back = clone(model).fit_transform([X[:, ::-1] for X in Xs])
    np.testing.assert_allclose(back[0][:, ::-1], expected[0], atol=1e-5)
    # features in another order
    order = np.random.default_rng(0).permutation(8)
    other = clone(model).fit_transform([X[order] for X in Xs])
    np.testing.assert_allclose(other[2], expected[2][order], atol=1e-5)
    # another unit, with strengths to match
    unit = clone(model).set_params(alpha_l1=0.1, alpha_ridge=10.0, alpha_smooth=50.0)
    unit.fit([10 * X for X in Xs])
    np.testing.assert_allclose(unit.objective_, 100 * first.objective_, rtol=1e-8)
    # every sequence twice: as if the penalty of a shared basis were halved
    if shared:
        twice = clone(model).set_params(alpha_l1=0.02).fit(Xs + Xs)
        np.testing.assert_allclose(twice.objective_, 2 * first.objective_, rtol=1e-8)
    else:
        alone = sum(clone(model).fit([X]).objective_ for X in Xs)
        np.testing.assert_allclose(alone, first.objective_)


class Series:
    """One run of MALSAR's pacifier."""

    def __init__(self, kind, k):
        run = loadmat(FIXTURES / "unsupervised" / f"pacifier_{kind}_{k}.mat")
        self.shared = kind == "sba"
        self.Xs = [x.toarray() for x in run["X"].ravel()]
        self.Us = [run["U"]] if self.shared else list(run["U"].ravel())
        self.Vs = list(run["V"].ravel())
        params = run["params"][0, 0]
        self.rank = int(params["rank"].item())
        self.l1, self.ridge, self.smooth = (
            float(params[name].item()) for name in ("reg_l1", "reg_l2", "reg_smooth")
        )
        self.objective = float(run["objective"].item())

    def model(self, **options):
        return TemporalMatrixCompletion(
            self.rank,
            shared_basis=self.shared,
            alpha_l1=self.l1,
            alpha_ridge=self.ridge,
            alpha_smooth=self.smooth,
            missing_values=0,
            **options,
        )


malsar_runs = pytest.mark.parametrize(
    ("kind", "k"), [("iba", 1), ("iba", 2), ("sba", 1), ("sba", 2)]
)


@malsar_runs
@pytest.mark.slow
def test_completion_of_malsar(kind, k):
    """The singular start may end a little above its result; five starts end below."""
    theirs = Series(kind, k)
    observed = [np.where(X == 0, np.nan, X) for X in theirs.Xs]
    Us = theirs.Us * len(observed) if theirs.shared else theirs.Us
    strengths = (theirs.l1, theirs.ridge, theirs.smooth, theirs.shared)
    at_theirs = completion_objective(observed, Us, theirs.Vs, *strengths)
    np.testing.assert_allclose(at_theirs, theirs.objective, rtol=1e-12)
    one = theirs.model().fit(theirs.Xs)
    np.testing.assert_allclose(value_of(one, observed), one.objective_)
    assert one.objective_ < 1.03 * theirs.objective
    five = theirs.model(n_init=5, random_state=0).fit(theirs.Xs)
    assert five.objective_ <= one.objective_
    assert five.objective_ < theirs.objective


@malsar_runs
def test_completion_goes_down_from_malsar(kind, k):
    theirs = Series(kind, k)
    strength = completion._Strengths(theirs.l1, theirs.ridge, theirs.smooth)
    groups = [theirs.Xs] if theirs.shared else [[X] for X in theirs.Xs]
    total = 0.0
    for Xs, U in zip(groups, theirs.Us, strict=True):
        X = np.vstack([X.T for X in Xs])
        codes = np.repeat(np.arange(len(Xs)), [X.shape[1] for X in Xs])
        rows = completion._Rows.of(X, X == 0, codes)
        run = completion._descend(rows, U, strength, 1e-4, 1000)
        assert run.converged
        assert np.all(np.diff(run.history) <= 0)
        total += run.history[-1]
    assert total < theirs.objective


@pytest.mark.slow
@shared_or_not
def test_nothing_to_learn_from(shared):
    _, Xs = series()
    model = TemporalMatrixCompletion(3, shared_basis=shared, random_state=0)
    nothing = np.full((8, 4), np.nan)
    filled = model.fit_transform([*Xs, nothing])
    np.testing.assert_array_equal(filled[3], 0.0)
    np.testing.assert_array_equal(clone(model).fit_transform([nothing])[0], 0.0)
    never = [np.vstack([X, np.full(X.shape[1], np.nan)]) for X in Xs]
    for out in clone(model).fit_transform(never):
        np.testing.assert_array_equal(out[-1], 0.0)
    # penalties so strong that nothing is left
    strong = clone(model).set_params(alpha_l1=1e6, keep_observed=False)
    for out in strong.fit_transform(Xs):
        np.testing.assert_allclose(out, 0.0, atol=1e-12)
    assert strong.converged_
    # one time point, one feature, more components than the data have directions
    single = clone(model).fit_transform([np.array([[2.0]]), np.array([[np.nan, 1.0]])])
    assert single[0].shape == (1, 1)
    assert np.all(np.isfinite(single[1]))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components must be an integer >= 1, got 0"),
        ({"alpha_l1": 0}, "alpha_l1 must be > 0, got 0"),
        ({"alpha_ridge": 0.0}, "alpha_ridge must be > 0"),
        ({"alpha_ridge": -1.0}, "alpha_ridge must be a finite number >= 0, got -1.0"),
        ({"alpha_smooth": np.inf}, "alpha_smooth must be a finite number"),
        ({"shared_basis": "yes"}, "shared_basis must be a bool, got 'yes'"),
        ({"keep_observed": 1}, "keep_observed must be a bool"),
        ({"missing_values": "?"}, "missing_values must be nan or a finite number"),
        ({"missing_values": None}, "missing_values must be nan or a finite number"),
        ({"missing_values": np.inf}, "missing_values must be nan or a finite number"),
        ({"n_init": 1.5}, "n_init must be an integer"),
        ({"tol": 2}, "tol must be a number from 0 to 1"),
        ({"alpha_ridge": 1e-40, "alpha_smooth": 0}, "pass a larger alpha_ridge"),
    ],
)
def test_wrong_parameters_of_completion(parameters, message):
    _, Xs = series(observed=0.1)
    with pytest.raises(ValueError, match=message):
        TemporalMatrixCompletion(3).set_params(**parameters).fit(Xs)


@pytest.mark.slow
def test_wrong_input_of_completion():
    _, Xs = series()
    model = TemporalMatrixCompletion(2, tol=1e-2)
    with pytest.raises(NotFittedError):
        model.transform(Xs)
    with pytest.raises(ValueError, match=r"8 in matrix 0, 15 in matrix 1.*features in"):
        model.fit([Xs[0], Xs[1].T])
    with pytest.raises(ValueError, match="drop tasks"):
        model.fit(Xs, tasks=[0, 1, 2])
    with pytest.raises(ValueError, match=r"Matrix 1 of X contains infinity"):
        model.fit([Xs[0], np.full((8, 3), np.inf)])
    with pytest.raises(ValueError, match="NaN"):
        clone(model).set_params(missing_values=0).fit(Xs)
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        model.fit([sparse.csr_array(np.nan_to_num(X)) for X in Xs])
    model.fit(Xs)
    with pytest.raises(ValueError, match="pass tasks="):
        model.transform(Xs[0].T)
    with pytest.raises(ValueError, match="expecting 8 features"):
        model.transform([X[:5] for X in Xs])
    # a model of one sequence may be given several
    model.fit(Xs[0].T)
    two = model.transform(np.vstack([Xs[0].T, Xs[1].T]), tasks=[0] * 20 + [1] * 15)
    np.testing.assert_array_equal(two[20:], model.transform(Xs[1].T))


@shared_or_not
def test_completion_warns_without_convergence(shared):
    _, Xs = series()
    model = TemporalMatrixCompletion(2, shared_basis=shared, max_iter=1)
    of = "" if shared else " for 3 of 3 sequences"
    with pytest.warns(ConvergenceWarning, match=f"max_iter=1 iterations{of}:"):
        model.fit(Xs)
    assert not model.converged_
    assert model.n_iter_ == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.transform(Xs)
    assert len(caught) == (0 if shared else 1)
