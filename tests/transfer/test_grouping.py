"""Groups of tasks: planted ones are found, and each is learned apart."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.metrics import adjusted_rand_score, silhouette_score
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers.data import generated
from linmtl import (
    ClusteredRegressor,
    GraphRegularizedRegressor,
    IndependentRegressor,
    L21Classifier,
    MeanRegularizedClassifier,
    MeanRegularizedRegressor,
    MultiTaskRegressor,
    PooledClassifier,
    PooledRegressor,
    TemporalGroupRegressor,
)
from linmtl.model_selection import TaskKFold
from linmtl.penalties import TaskQuadratic
from linmtl.similarity import TaskMatrix, graph_similarity, mmd
from linmtl.transfer import (
    GroupedMultiTaskClassifier,
    GroupedMultiTaskRegressor,
    TaskGrouper,
    transfer_gain,
)

METHODS = pytest.mark.parametrize("method", ["spectral", "hierarchical"])
RULES = pytest.mark.parametrize("n_groups", ["eigengap", "silhouette", 3])


def losses_of(model, X, y, tasks):
    """Return the loss of each row."""
    if is_classifier(model):
        sign = np.where(y == model.classes_[1], 1, -1)
        return np.logaddexp(0, -sign * model.decision_function(X, tasks))
    return (y - model.predict(X, tasks)) ** 2


def blocks(sizes, within=0.9, between=0.1, noise=0.0, seed=0):
    """A similarity with planted groups, tasks in random order, and the groups."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    values = np.where(labels[:, None] == labels, within, between)
    values = values + noise * rng.standard_normal(values.shape)
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1.0)
    return values, labels


def clustered(classify=False, noise=1.0, seed=0, n=40, **options):
    options = {"n_tasks": 9, "n_features": 20, "n_clusters": 3} | options
    if not classify:
        options["noise"] = noise
    return generated(
        classify,
        structure="clustered",
        n_samples=n,
        return_coef=True,
        random_state=seed,
        **options,
    )


# --- TaskGrouper


@METHODS
@RULES
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.slow
def test_planted_groups_are_found(method, n_groups, seed):
    values, labels = blocks([4, 3, 5], noise=0.05, seed=seed)
    grouper = TaskGrouper(n_groups, method=method).fit(values)
    assert adjusted_rand_score(labels, grouper.labels_) == 1
    assert grouper.n_groups_ == 3
    distance = TaskGrouper(n_groups, method=method, kind="distance").fit(1 - values)
    assert adjusted_rand_score(labels, distance.labels_) == 1
    # labels are numbered as they appear, and say the same as the lists
    assert list(dict.fromkeys(grouper.labels_.tolist())) == [0, 1, 2]
    for g, members in grouper.groups_.items():
        np.testing.assert_array_equal(members, np.flatnonzero(grouper.labels_ == g))


@METHODS
@pytest.mark.slow
def test_noise_degrades_groups_gradually(method):
    """More noise, less agreement; but never worse than chance on average."""
    scores = []
    for noise in (0.05, 0.3, 0.6, 5.0):
        agreement = []
        for seed in range(10):
            values, labels = blocks([5, 5, 5], noise=noise, seed=seed)
            found = TaskGrouper(3, method=method).fit(values).labels_
            agreement.append(adjusted_rand_score(labels, found))
        scores.append(np.mean(agreement))
    assert scores[0] == 1
    assert scores[0] >= scores[1] > scores[2] > scores[3]
    assert scores[1] > 0.6
    assert abs(scores[3]) < 0.2


@METHODS
def test_one_group_and_none(method):
    """All alike are one group; nothing in common, every task on its own."""
    grouper = TaskGrouper(method=method)
    assert grouper.fit(blocks([8], 0.9)[0]).n_groups_ == 1
    assert grouper.fit(np.ones((6, 6))).n_groups_ == 1
    np.testing.assert_array_equal(grouper.fit(np.eye(7)).labels_, np.arange(7))
    np.testing.assert_array_equal(
        grouper.fit(np.eye(7) - 0.3 * (1 - np.eye(7))).labels_, np.arange(7)
    )
    gain = TaskMatrix(-np.ones((5, 5)) + np.eye(5), list("abcde"), "gain")
    assert grouper.fit(gain).n_groups_ == 5
    assert (
        TaskGrouper(method=method, kind="distance").fit(np.zeros((4, 4))).n_groups_ == 1
    )


def test_the_eigengap_by_hand():
    """Cosines 0.9 within and 0.1 between: squares, degrees, the Laplacian."""
    values, _ = blocks([3, 2])
    grouper = TaskGrouper().fit(values)
    A = values**2
    root = np.sqrt(A.sum(axis=1))
    eigenvalues = np.linalg.eigvalsh(np.eye(5) - A / np.outer(root, root))
    np.testing.assert_allclose(grouper.affinity_, A)
    np.testing.assert_allclose(grouper.eigenvalues_, eigenvalues, atol=1e-12)
    steps = np.diff(np.append(eigenvalues, 1.0))
    assert grouper.n_groups_ == 1 + np.argmax(steps) == 2


@METHODS
@pytest.mark.slow
def test_silhouettes_by_hand(method):
    values, _ = blocks([4, 3, 3], noise=0.1, seed=1)
    grouper = TaskGrouper("silhouette", method=method, max_groups=6).fit(values)
    assert list(grouper.silhouettes_) == [2, 3, 4, 5, 6]
    for k, score in grouper.silhouettes_.items():
        labels = TaskGrouper(k, method=method).fit(values).labels_
        distance = 1 - grouper.affinity_
        expected = silhouette_score(distance, labels, metric="precomputed")
        assert score == pytest.approx(expected)
    best = max(grouper.silhouettes_, key=grouper.silhouettes_.get)
    assert grouper.n_groups_ == best == 3
    grouper.set_params(n_groups=2).fit(values)
    assert not hasattr(grouper, "silhouettes_")


@METHODS
@RULES
@pytest.mark.slow
def test_the_order_of_tasks_does_not_matter(method, n_groups):
    values, _ = blocks([4, 3, 5], noise=0.05, seed=2)
    order = np.random.default_rng(0).permutation(12)
    first = TaskGrouper(n_groups, method=method).fit(values).labels_
    second = TaskGrouper(n_groups, method=method).fit(values[np.ix_(order, order)])
    assert adjusted_rand_score(first[order], second.labels_) == 1


def test_what_similarities_may_be():
    """Directed, labelled, scaled, with gaps: what is documented of each."""
    values, labels = blocks([3, 3], noise=0.02)
    names = list("abcdef")
    expected = TaskGrouper().fit(values)
    skew = np.triu(np.full((6, 6), 0.05), 1)
    directed = TaskMatrix(values + skew - skew.T, names, "similarity", directed=True)
    found = TaskGrouper().fit(directed)
    np.testing.assert_allclose(found.affinity_, expected.affinity_, atol=1e-12)
    assert found.tasks_.tolist() == names
    assert sorted(t for g in found.groups_.values() for t in g) == names
    frame = pd.DataFrame(values, index=names, columns=names)
    assert TaskGrouper().fit(frame).groups_ == found.groups_
    scale = np.arange(1.0, 7.0)
    covariance = TaskMatrix(values * np.outer(scale, scale), names, "covariance")
    np.testing.assert_allclose(
        TaskGrouper().fit(covariance).affinity_, expected.affinity_
    )
    # one direction is enough, and a pair without any has nothing in common
    gaps = values.copy()
    gaps[0, 1:] = np.nan
    np.testing.assert_allclose(
        TaskGrouper().fit(gaps).affinity_, expected.affinity_, atol=1e-12
    )
    gaps[1:, 0] = np.nan
    assert np.all(TaskGrouper().fit(gaps).affinity_[0, 1:] == 0)
    gaps[0, 0] = np.nan
    assert adjusted_rand_score(TaskGrouper().fit(gaps).labels_[1:], labels[1:]) == 1
    # gains are relative to the largest
    gain = np.where(np.eye(6, dtype=bool), 0.0, 0.01 * values)
    gains = TaskGrouper().fit(TaskMatrix(gain, names, "gain"))
    assert adjusted_rand_score(gains.labels_, labels) == 1
    again = TaskGrouper().fit(TaskMatrix(7 * gain, names, "gain"))
    np.testing.assert_allclose(again.affinity_, gains.affinity_)


def test_distances_below_zero_count_as_zero():
    """As unbiased estimates may be; the mean of both directions decides."""
    rng = np.random.default_rng(0)
    far = np.where(np.arange(6)[:, None] % 2 == np.arange(6) % 2, 0.0, 1.0)
    values = far + 0.05 * rng.normal(size=(6, 6))
    np.fill_diagonal(values, 0.0)
    assert values.min() < 0
    matrix = TaskMatrix(values, range(6), "distance", directed=True)
    found = TaskGrouper().fit(matrix)
    assert found.labels_.tolist() == [0, 1, 0, 1, 0, 1]
    clipped = np.maximum((values + values.T) / 2, 0.0)
    expected = TaskGrouper(kind="distance").fit(clipped)
    np.testing.assert_allclose(found.affinity_, expected.affinity_)


@METHODS
@pytest.mark.parametrize("seed", range(3))
def test_estimates_of_a_distance_can_be_grouped(method, seed):
    rng = np.random.default_rng(seed)
    tasks = np.repeat(np.arange(6), 30)
    X = rng.normal(size=(180, 3)) + 3.0 * (tasks[:, None] % 2)
    distance = mmd(X, tasks)
    assert distance.values.min() < 0
    assert TaskGrouper(method=method).fit(distance).labels_.tolist() == [0, 1] * 3
    model = GroupedMultiTaskRegressor(
        grouper=TaskGrouper(method=method), similarity=lambda X, y, tasks: mmd(X, tasks)
    ).fit(X, X[:, 0], tasks)
    assert model.labels_.tolist() == [0, 1] * 3


@METHODS
@pytest.mark.parametrize("n_groups", ["eigengap", "silhouette", 2])
@pytest.mark.slow
def test_tasks_that_nothing_connects(method, n_groups):
    edges = [("a", "b"), ("b", "c"), ("d", "e"), ("e", "f")]
    far = graph_similarity(edges, list("adbecf"), kind="distance")
    assert np.isinf(far.values).any()
    grouper = TaskGrouper(n_groups, method=method, kind="distance").fit(far)
    assert grouper.groups_ == {0: ["a", "b", "c"], 1: ["d", "e", "f"]}
    np.testing.assert_array_equal(grouper.affinity_[np.isinf(far.values)], 0.0)
    array = TaskGrouper(n_groups, method=method, kind="distance").fit(far.values)
    np.testing.assert_array_equal(array.labels_, grouper.labels_)
    # the unit does not matter to what infinity is replaced by
    small = TaskMatrix(1e-9 * far.values, far.tasks, "distance")
    again = TaskGrouper(n_groups, method=method).fit(small)
    np.testing.assert_array_equal(again.labels_, grouper.labels_)
    nothing = np.where(np.eye(4, dtype=bool), 0.0, np.inf)
    alone = TaskGrouper(method=method, kind="distance").fit(nothing)
    assert alone.n_groups_ == 4


def test_a_zero_diagonal_is_that_of_no_similarity():
    X, y, tasks, truth = clustered(n=25, n_tasks=6)
    far = (truth.labels[:, None] != truth.labels).astype(float)
    matrix = TaskMatrix(far, range(6), "distance")
    names = matrix.tasks.tolist()
    for given in (far, far.tolist(), matrix.to_frame(), lambda X, y, tasks: far):
        model = GroupedMultiTaskRegressor(similarity=given)
        with pytest.raises(ValueError, match="pass the TaskMatrix, which says what"):
            model.fit(X, y, tasks)
        model.set_params(grouper=TaskGrouper(kind="distance")).fit(X, y, tasks)
        assert adjusted_rand_score(truth.labels, model.labels_) == 1
        if not callable(given):
            with pytest.raises(ValueError, match=r"TaskGrouper\(kind='distance'\)"):
                TaskGrouper().fit(given)
    model = GroupedMultiTaskRegressor(similarity=matrix).fit(X, y, tasks)
    assert adjusted_rand_score(truth.labels, model.labels_) == 1
    # who says that it is a graph is believed
    graph = TaskMatrix(1 - far - np.eye(6), names, "adjacency")
    assert adjusted_rand_score(truth.labels, TaskGrouper().fit(graph).labels_) == 1
    assert TaskGrouper().fit(np.zeros((3, 3))).n_groups_ == 3


@pytest.mark.parametrize(
    ("options", "values", "error", "message"),
    [
        ({"n_groups": 0}, np.eye(3), ValueError, "n_groups must be an integer >= 1"),
        ({"n_groups": 2.5}, np.eye(3), ValueError, "n_groups must be an integer"),
        ({"n_groups": True}, np.eye(3), ValueError, "n_groups must be an integer"),
        ({"n_groups": 4}, np.eye(3), ValueError, "there are 3 tasks"),
        ({"n_groups": "elbow"}, np.eye(3), ValueError, "must be one of 'eigengap'"),
        ({"n_groups": "cv"}, np.eye(3), ValueError, "needs data to judge by"),
        (
            {"method": "dbscan"},
            np.eye(3),
            ValueError,
            "method must be .*, got 'dbscan'",
        ),
        ({"kind": "gain"}, np.eye(3), ValueError, "kind must be .*, got 'gain'"),
        ({"max_groups": 0}, np.eye(3), ValueError, "max_groups must be"),
        ({}, np.ones((2, 3)), ValueError, r"shape \(2, 3\)"),
        ({}, np.ones(3), ValueError, r"shape \(3,\)"),
        ({}, np.empty((0, 0)), ValueError, r"shape \(0, 0\)"),
        ({}, [["a", "b"], ["c", "d"]], ValueError, "pass numbers of shape"),
        ({}, np.full((2, 2), np.inf), ValueError, "infinite"),
        ({"kind": "distance"}, -np.ones((2, 2)), ValueError, "some are negative"),
        (
            {},
            TaskMatrix(np.full((2, 2), -np.inf), ["a", "b"], "distance"),
            ValueError,
            r"only distances may be \+inf",
        ),
        (
            {},
            TaskMatrix(np.eye(2), ["a", "b"], "p-value"),
            ValueError,
            "holds p-values",
        ),
        (
            {},
            pd.DataFrame(np.eye(2), index=["a", "b"], columns=["b", "a"]),
            ValueError,
            "other columns than rows",
        ),
    ],
)
def test_wrong_arguments_of_the_grouper(options, values, error, message):
    with pytest.raises(error, match=message):
        TaskGrouper(**options).fit(values)


@METHODS
@pytest.mark.parametrize("n_groups", ["eigengap", "silhouette", 1])
@pytest.mark.parametrize("T", [1, 2, 3])
def test_few_tasks(method, n_groups, T):
    grouper = TaskGrouper(n_groups, method=method)
    assert 1 <= grouper.fit(np.eye(T)).n_groups_ <= T
    assert grouper.fit_predict(np.ones((T, T))).shape == (T,)


# --- GroupedMultiTask


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("classify", [False, True])
def test_groups_of_tasks_are_found_in_data(classify, seed):
    X, y, tasks, truth = clustered(classify, n=60 if not classify else 200, seed=seed)
    inner = MeanRegularizedClassifier if classify else MeanRegularizedRegressor
    outer = GroupedMultiTaskClassifier if classify else GroupedMultiTaskRegressor
    model = outer(inner(0.1)).fit(X, y, tasks)
    assert adjusted_rand_score(truth.labels, model.labels_) == 1
    assert model.n_groups_ == 3
    assert set(model.estimators_) == set(model.groups_) == {0, 1, 2}


@pytest.mark.slow
def test_noise_in_data_degrades_groups_gradually():
    scores = []
    for noise in (0.5, 4.0, 30.0):
        agreement = []
        for seed in range(4):
            X, y, tasks, truth = clustered(noise=noise, seed=seed)
            model = GroupedMultiTaskRegressor(PooledRegressor(), TaskGrouper(3))
            model.fit(X, y, tasks)
            agreement.append(adjusted_rand_score(truth.labels, model.labels_))
        scores.append(np.mean(agreement))
    assert scores[0] == 1
    assert scores[0] >= scores[1] > scores[2]
    assert scores[1] > 0.3


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_each_group_is_learned_apart(classify, weighted):
    """A loop over the groups gives the same coefficients and predictions."""
    X, y, tasks, _ = clustered(classify, n=30)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(y))
    X, y, tasks = X[order], y[order], tasks[order]
    weight = rng.uniform(0.5, 2.0, len(y)) if weighted else None
    groups = {t: "even" if t % 2 == 0 else "odd" for t in range(9)}
    inner = MeanRegularizedClassifier() if classify else MeanRegularizedRegressor()
    outer = GroupedMultiTaskClassifier if classify else GroupedMultiTaskRegressor
    model = outer(inner, groups=groups).fit(X, y, tasks, weight)
    method = "decision_function" if classify else "predict"
    for name, parity in (("even", 0), ("odd", 1)):
        mine = tasks % 2 == parity
        part = None if weight is None else weight[mine]
        alone = clone(inner).fit(X[mine], y[mine], tasks[mine], part)
        np.testing.assert_allclose(model.coef_[parity::2], alone.coef_, atol=1e-8)
        np.testing.assert_allclose(
            getattr(model, method)(X[mine], tasks[mine]),
            getattr(alone, method)(X[mine], tasks[mine]),
            atol=1e-6,
        )
        assert model.groups_[name] == list(range(parity, 9, 2))
        assert model.estimators_[name].tasks_.tolist() == model.groups_[name]
    assert model.labels_.tolist() == [groups[t] for t in range(9)]
    assert not hasattr(model, "similarity_")
    same = outer(inner, groups=list(groups.values())).fit(X, y, tasks, weight)
    np.testing.assert_array_equal(same.coef_, model.coef_)
    same = outer(inner, groups=pd.Series(groups)).fit(X, y, tasks, weight)
    np.testing.assert_array_equal(same.coef_, model.coef_)


def test_one_group_is_the_estimator_and_n_groups_are_each_alone():
    X, y, tasks, _ = clustered()
    model = GroupedMultiTaskRegressor(MeanRegularizedRegressor(), TaskGrouper(1))
    expected = MeanRegularizedRegressor().fit(X, y, tasks)
    np.testing.assert_allclose(model.fit(X, y, tasks).coef_, expected.coef_)
    model = GroupedMultiTaskRegressor(IndependentRegressor(0.1), TaskGrouper(9))
    expected = IndependentRegressor(0.1).fit(X, y, tasks)
    np.testing.assert_allclose(model.fit(X, y, tasks).coef_, expected.coef_)


@pytest.mark.slow
def test_similarities():
    """From a function, a matrix or measured gains: the same as doing it by hand."""
    X, y, tasks, truth = clustered(n=25, n_tasks=6)
    grouper = TaskGrouper(3)
    inner = MeanRegularizedRegressor()

    def same_cluster(X, y, tasks):
        seen.append((X.shape, y.shape, np.unique(tasks).tolist()))
        return (truth.labels[:, None] == truth.labels).astype(float)

    seen = []
    model = GroupedMultiTaskRegressor(inner, grouper, similarity=same_cluster)
    model.fit(X, y, tasks)
    assert seen == [(X.shape, y.shape, list(range(6)))]
    assert adjusted_rand_score(truth.labels, model.labels_) == 1
    # a matrix with labels is brought into the order of the tasks
    matrix = TaskMatrix(model.similarity_.values, range(6), "similarity")
    mixed = matrix.reorder([3, 1, 5, 0, 2, 4])
    other = GroupedMultiTaskRegressor(inner, similarity=mixed).fit(X, y, tasks)
    np.testing.assert_array_equal(other.labels_, model.labels_)
    array = GroupedMultiTaskRegressor(inner, similarity=matrix.values).fit(X, y, tasks)
    np.testing.assert_array_equal(array.labels_, model.labels_)
    far = GroupedMultiTaskRegressor(
        inner, TaskGrouper(kind="distance"), similarity=1 - matrix.values
    ).fit(X, y, tasks)
    np.testing.assert_array_equal(far.labels_, model.labels_)
    gain = GroupedMultiTaskRegressor(inner, grouper, similarity="gain", cv=3)
    gain.fit(X, y, tasks)
    expected = transfer_gain(inner, X, y, tasks, cv=3)
    np.testing.assert_allclose(gain.similarity_.values, expected.values)
    np.testing.assert_array_equal(gain.labels_, clone(grouper).fit(expected).labels_)
    assert adjusted_rand_score(truth.labels, gain.labels_) == 1


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.slow
def test_the_number_of_groups_by_cross_validation(classify):
    """The losses are those of a loop over folds and numbers of groups."""
    X, y, tasks, truth = clustered(
        classify,
        n=60 if classify else 30,
        n_tasks=6,
        n_clusters=2,
        n_features=6,
        deviation=0.0,
    )
    inner = PooledClassifier() if classify else PooledRegressor()
    outer = GroupedMultiTaskClassifier if classify else GroupedMultiTaskRegressor
    grouper = TaskGrouper("cv", max_groups=4)
    model = outer(inner, grouper, cv=3).fit(X, y, tasks)
    total = np.zeros((4, 6))
    for train, test in TaskKFold(3, shuffle=True, random_state=0).split(X, y, tasks):
        for k in range(1, 5):
            part = outer(inner, TaskGrouper(k)).fit(X[train], y[train], tasks[train])
            loss = losses_of(part, X[test], y[test], tasks[test])
            total[k - 1] += np.bincount(tasks[test], loss, minlength=6)
    expected = (total / np.bincount(tasks)).mean(axis=1)
    np.testing.assert_allclose(model.cv_loss_, expected, rtol=1e-6)
    assert model.n_groups_ == 1 + np.argmin(expected) == 2
    assert adjusted_rand_score(truth.labels, model.labels_) == 1
    assert grouper.n_groups == "cv"
    again = model.set_params(grouper=TaskGrouper(2)).fit(X, y, tasks)
    assert not hasattr(again, "cv_loss_")


def test_names_of_tasks_do_not_matter():
    X, y, tasks, _ = clustered(n_tasks=5, n_clusters=2)
    first = GroupedMultiTaskRegressor(MeanRegularizedRegressor()).fit(X, y, tasks)
    names = np.array(["e", "d", "c", "b", "a"])[tasks]
    second = GroupedMultiTaskRegressor(MeanRegularizedRegressor()).fit(X, y, names)
    np.testing.assert_allclose(second.coef_, first.coef_[::-1], atol=1e-8)
    assert adjusted_rand_score(first.labels_, second.labels_[::-1]) == 1


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.slow
def test_layouts_agree(classify):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((60, 4))
    centres = rng.standard_normal((2, 4))[[0, 1, 0, 1]]
    Y = X @ (3 * centres).T + 0.5 * rng.standard_normal((60, 4))
    Y = (Y > 0).astype(float) if classify else Y
    Y[rng.random(Y.shape) < 0.2] = np.nan
    inner = MeanRegularizedClassifier() if classify else MeanRegularizedRegressor()
    outer = GroupedMultiTaskClassifier if classify else GroupedMultiTaskRegressor
    wide = outer(inner).fit(X, Y)
    assert wide.labels_.tolist() == [0, 1, 0, 1]
    assert wide.predict(X).shape == (60, 4)
    tasks, rows = np.repeat(np.arange(4), 60), np.tile(np.arange(60), 4)
    y = Y.T.ravel()
    long = outer(inner, TaskGrouper(2)).fit(X[rows], y, tasks)
    np.testing.assert_array_equal(long.labels_, wide.labels_)
    np.testing.assert_allclose(long.coef_, wide.coef_, atol=1e-5)
    frame = pd.DataFrame(X[rows], columns=list("abcd")).assign(site=tasks)
    column = outer(inner, TaskGrouper(2), task_column="site").fit(frame, y)
    np.testing.assert_allclose(column.coef_, long.coef_, atol=1e-8)
    np.testing.assert_allclose(column.predict(frame), long.predict(X[rows], tasks))
    one = outer(inner, TaskGrouper(2)).fit(sparse.csc_array(X[rows]), y, tasks)
    np.testing.assert_allclose(one.coef_, long.coef_, atol=1e-5)
    named = pd.DataFrame(Y, columns=list("uvwx"))
    groups = {"u": 0, "v": 1, "w": 0, "x": 1}
    named = outer(inner, groups=groups).fit(X, named)
    np.testing.assert_allclose(named.coef_, wide.coef_, atol=1e-8)
    assert named.groups_ == {0: ["u", "w"], 1: ["v", "x"]}

    def rows_of(X, y, tasks):  # a function sees the long layout whatever was passed
        shapes.append((X.shape, y.shape, tasks.shape))
        return np.eye(4)

    shapes = []
    outer(inner, similarity=rows_of).fit(X, Y)
    outer(inner, similarity=rows_of).fit(X[rows], y, tasks)
    n = int(np.sum(~np.isnan(Y)))
    assert shapes == [((n, 4), (n,), (n,))] * 2


def test_unknown_tasks_and_scores():
    X, y, tasks, _ = clustered()
    model = GroupedMultiTaskRegressor(handle_unknown="mean").fit(X, y, tasks)
    expected = X[:2] @ model.coef_.mean(axis=0) + model.intercept_.mean()
    np.testing.assert_allclose(model.predict(X[:2], [77, 78]), expected)
    assert 0 < model.score(X, y, tasks) <= 1
    model = GroupedMultiTaskRegressor().fit(X, y, tasks)
    with pytest.raises(ValueError, match="has the labels 77"):
        model.predict(X[:1], [77])


def test_tasks_with_a_single_class():
    """Found groups that have one class join the largest; given ones are refused."""
    X, y, tasks, _ = clustered(True, n=40, n_tasks=6)
    y = np.where(np.isin(tasks, [1, 4]), 1, y)
    with pytest.warns(UserWarning, match="single class: 1, 4;") as said:
        model = GroupedMultiTaskClassifier(MeanRegularizedClassifier()).fit(X, y, tasks)
    assert len(said) == 1
    assert said[0].filename == __file__
    sizes = [np.sum(model.labels_ == g) for g in range(model.n_groups_)]
    assert model.labels_[1] == model.labels_[4] == np.argmax(sizes)
    assert np.all(np.isfinite(model.coef_))
    assert np.all(model.intercept_[[1, 4]] == np.log(2 * 40 + 1))
    with pytest.warns(UserWarning, match="single class") as said:
        GroupedMultiTaskClassifier(
            MeanRegularizedClassifier(), groups=[0, 0, 0, 1, 1, 1]
        ).fit(X, y, tasks)
    assert len(said) == 1
    groups = [0, 1, 0, 0, 1, 0]
    with (
        pytest.warns(UserWarning, match="single class"),
        pytest.raises(ValueError, match=r"tasks 1, 4 of group 1 have a single class"),
    ):
        GroupedMultiTaskClassifier(groups=groups).fit(X, y, tasks)
    # without an intercept there is an optimum, and nothing to say
    inner = MeanRegularizedClassifier(fit_intercept=False)
    GroupedMultiTaskClassifier(inner, groups=[0, 0, 0, 1, 1, 1]).fit(X, y, tasks)


@parametrize_with_checks([GroupedMultiTaskRegressor(), GroupedMultiTaskClassifier()])
@pytest.mark.slow
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
def test_parameters_of_the_parts_are_reached_by_name():
    model = GroupedMultiTaskRegressor(
        MeanRegularizedRegressor(), TaskGrouper(), task_column=20
    )
    model.set_params(estimator__alpha=0.7, grouper__n_groups=2)
    copy = clone(model)
    assert copy.estimator.alpha == 0.7
    assert copy.grouper.n_groups == 2
    X, y, tasks, _ = clustered(n=30)
    X = np.column_stack([X, tasks])
    cv = TaskKFold(3, task_column=20)
    search = GridSearchCV(model, {"grouper__n_groups": [1, 3]}, cv=cv).fit(X, y)
    assert search.best_params_ == {"grouper__n_groups": 3}
    best = search.best_estimator_
    assert not hasattr(best.estimator, "coef_")
    assert not hasattr(best.grouper, "labels_")
    copy = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(copy.predict(X), best.predict(X))
    again = clone(best).set_params(n_jobs=2).fit(X, y)
    np.testing.assert_array_equal(again.coef_, best.coef_)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"estimator": "l21"}, TypeError, "estimator must be one of linmtl's"),
        ({"estimator": L21Classifier()}, ValueError, "must be a regressor"),
        ({"grouper": 3}, TypeError, "grouper must be a TaskGrouper, got 3"),
        (
            {"grouper": TaskGrouper("elbow")},
            ValueError,
            "n_groups must be .*, got 'elbow'",
        ),
        ({"grouper": TaskGrouper(10)}, ValueError, "there are 9 tasks"),
        ({"similarity": "cosine"}, ValueError, "similarity must be 'coefficients'"),
        ({"similarity": np.eye(3)}, ValueError, r"shape \(3, 3\) but there are 9"),
        (
            {"similarity": TaskMatrix(np.eye(2), [0, 1], "similarity")},
            ValueError,
            "which the matrix lacks",
        ),
        ({"groups": {0: 1}}, ValueError, "no entry for the tasks 1, 2"),
        ({"groups": [0, 1]}, ValueError, r"groups has shape \(2,\)"),
        ({"groups": [*range(8), None]}, ValueError, "the tasks 8 have no group"),
        (
            {"groups": np.ma.masked_less(np.arange(9), 2)},
            ValueError,
            "the tasks 0, 1 have no group",
        ),
        ({"cv": 1, "grouper": TaskGrouper("cv")}, ValueError, "at least 2 folds"),
        ({"handle_unknown": "guess"}, ValueError, "handle_unknown must be one of"),
    ],
)
def test_wrong_parameters(options, error, message):
    X, y, tasks, _ = clustered()
    with pytest.raises(error, match=message):
        GroupedMultiTaskRegressor(**options).fit(X, y, tasks)


# --- settings by task ---------------------------------------------------------------

ADJACENCY = np.array([[0, 1, 2, 2], [1, 0, 3, 1], [2, 3, 0, 1], [2, 1, 1, 0.0]])
WEIGHT = np.array([1.0, 2.0, 0.5, 3.0])


def four_tasks(classify=False):
    X, y, tasks, _ = clustered(classify, n=25, n_tasks=4, n_clusters=2)
    return X, y, np.array(["d", "a", "c", "b"])[tasks]


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize(
    "inner",
    [
        lambda s: GraphRegularizedRegressor(ADJACENCY[s][:, s], alpha_ridge=0.1),
        lambda s: MeanRegularizedRegressor(0.3, task_weight=WEIGHT[s]),
        lambda s: IndependentRegressor(WEIGHT[s].tolist()),
        lambda s: MultiTaskRegressor(
            TaskQuadratic((ADJACENCY + 6 * np.eye(4))[s][:, s])
        ),
    ],
    ids=["graph", "weights", "strengths", "K"],
)
def test_each_group_takes_the_settings_of_its_tasks(inner, wide):
    whole = inner([0, 1, 2, 3])
    groups = [0, 1, 1, 0]
    if wide:
        rng = np.random.default_rng(0)
        X = rng.normal(size=(30, 4))
        Y = X @ rng.normal(size=(4, 4)) + rng.normal(size=(30, 4))
        order = None
    else:
        X, y, tasks = four_tasks()
        order = ["c", "a", "d", "b"]  # arrays follow it
    model = GroupedMultiTaskRegressor(whole, groups=groups, task_order=order)
    model.fit(X, Y) if wide else model.fit(X, y, tasks)
    for members in ([0, 3], [1, 2]):
        alone = inner(members)
        if wide:
            alone.fit(X, Y[:, members])
        else:
            names = [order[t] for t in members]
            mine = np.isin(tasks, names)
            alone.set_params(task_order=names).fit(X[mine], y[mine], tasks[mine])
        np.testing.assert_allclose(model.coef_[members], alone.coef_, atol=1e-8)


def test_settings_that_no_group_allows():
    X, y, tasks = four_tasks()
    model = GroupedMultiTaskRegressor(ClusteredRegressor(3), groups=[0, 0, 1, 1])
    message = (
        "each group of tasks is fitted apart, and ClusteredRegressor cannot be fitted "
        r"to 2 of the 4 tasks \('a', 'b'\): Clustered: n_clusters=3"
    )
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, tasks)
    model.set_params(estimator=GraphRegularizedRegressor(np.ones((3, 3))))
    with pytest.raises(ValueError, match=r"shape \(3, 3\) but there are 4 tasks"):
        model.fit(X, y, tasks)


def test_the_order_of_the_tasks_is_set_outside():
    X, y, tasks = four_tasks()
    order = ["d", "c", "b", "a"]
    model = GroupedMultiTaskRegressor(
        TemporalGroupRegressor(task_order=order), groups=[0, 0, 0, 1]
    )
    with pytest.raises(ValueError, match="set task_order here, and it is passed on"):
        model.fit(X, y, tasks)
    model.set_params(estimator=TemporalGroupRegressor())
    with pytest.raises(ValueError, match="depends on the order of the tasks"):
        model.fit(X, y, tasks)
    model.set_params(task_order=order).fit(X, y, tasks)
    mine = tasks != "a"
    alone = TemporalGroupRegressor(task_order=order)
    alone.fit(X[mine], y[mine], tasks[mine])
    np.testing.assert_allclose(model.coef_[:3], alone.coef_, atol=1e-8)


@pytest.mark.parametrize(
    ("classify", "mode"),
    [
        (False, "null_loss"),
        (False, "minimax"),
        (False, "n_samples"),
        (False, "by-task"),
        (True, "null_loss"),  # of classes it is an entropy
    ],
)
@pytest.mark.slow
def test_the_number_of_groups_is_judged_with_the_weights_of_the_tasks(classify, mode):
    X, y, tasks = four_tasks(classify)
    if not classify:
        y = y * np.where(tasks == "a", 10.0, 1.0)
    kind = MeanRegularizedClassifier if classify else MeanRegularizedRegressor
    inner = kind(0.3, task_weight=WEIGHT if mode == "by-task" else mode)
    outer = GroupedMultiTaskClassifier if classify else GroupedMultiTaskRegressor
    model = outer(inner, TaskGrouper("cv", max_groups=2), cv=3).fit(X, y, tasks)
    labels, code = np.unique(tasks, return_inverse=True)
    total = np.zeros((2, 4))
    cv = TaskKFold(3, shuffle=True, random_state=0, stratify=classify)
    for train, test in cv.split(X, y, tasks):
        for k in (1, 2):
            part = outer(inner, TaskGrouper(k)).fit(X[train], y[train], tasks[train])
            loss = losses_of(part, X[test], y[test], tasks[test])
            total[k - 1] += np.bincount(code[test], loss, minlength=4)
    weight = np.ones(4)
    if mode == "by-task":
        weight = WEIGHT
    elif mode != "n_samples":  # one over the loss of the best constant
        for t, label in enumerate(labels):
            own = y[tasks == label]
            p = np.mean(own == model.classes_[1]) if classify else 0.5
            entropy = -p * np.log(p) - (1 - p) * np.log(1 - p)
            weight[t] = 1 / (entropy if classify else np.var(own))
    expected = (total / np.bincount(code)) @ (weight / weight.sum())
    np.testing.assert_allclose(model.cv_loss_, expected, rtol=1e-6)


def test_a_table_of_similarities_goes_by_label():
    X, y, tasks = four_tasks()
    values = np.array([[1, 0.9, 0, 0], [0.9, 1, 0, 0], [0, 0, 1, 0.9], [0, 0, 0.9, 1]])
    names = ["d", "b", "a", "c"]
    frame = pd.DataFrame(values, index=names, columns=names)
    model = GroupedMultiTaskRegressor(similarity=frame).fit(X, y, tasks)
    assert model.tasks_.tolist() == ["a", "b", "c", "d"]
    assert model.labels_.tolist() == [0, 1, 0, 1]
    with pytest.raises(ValueError, match="other columns than rows"):
        model.set_params(similarity=frame[names[::-1]]).fit(X, y, tasks)
    with pytest.raises(ValueError, match="which the matrix lacks"):
        model.set_params(similarity=frame.iloc[:3, :3]).fit(X, y, tasks)


@pytest.mark.parametrize("n_rows", [2, 4])
def test_tasks_alone_are_tuned_in_as_many_folds_as_rows_allow(n_rows):
    rng = np.random.default_rng(0)
    tasks = np.repeat(np.arange(4), n_rows)
    X, y = rng.normal(size=(4 * n_rows, 2)), np.tile([0, 1], 2 * n_rows)
    model = GroupedMultiTaskClassifier(cv=2).fit(X, y, tasks)
    assert model.n_groups_ >= 1
