"""Times to an event: Cox's proportional hazards, certified."""

import pickle
from itertools import product

import cvxpy as cp
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from linmtl import CoxRegressor, CoxRegressorCV, survival_target
from linmtl.export import from_json, to_json
from linmtl.metrics import concordance_index, make_task_scorer, per_task
from linmtl.model_selection import TaskKFold
from linmtl.penalties import L1, L21, Deviation, MeanRegularized, TraceNorm

TIGHT = {"tol": 1e-9}


def data(seed=0, n=90, T=3, d=4):
    """Return rows of some tasks, signed times with ties, and weights."""
    rng = np.random.default_rng(seed)
    X, tasks = rng.normal(size=(n, d)), np.arange(n) % T
    risk = np.sum(X * 0.7 * rng.normal(size=(T, d))[tasks], axis=1)
    time, end = rng.exponential(np.exp(-risk)), rng.exponential(1.5, size=n)
    rank = 1.0 + np.digitize(np.minimum(time, end), np.linspace(0.1, 2.0, 9))
    return X, np.where(time < end, rank, -rank), tasks, rng.uniform(0.5, 2.0, n)


def partial_loss(eta, y, weight, conic=False):
    """Return the loss of a task and stratum, time after time."""
    loss = 0.0
    for time in np.unique(y[y > 0]):
        events, risk = y == time, np.abs(y) >= time
        total = weight[events].sum()
        if conic:
            at_risk = cp.log_sum_exp(eta[risk] + np.log(weight[risk]))
        else:
            at_risk = np.log(weight[risk] @ np.exp(eta[risk]))
        loss += total * (at_risk - np.log(total)) - weight[events] @ eta[events]
    return loss


def objective(model, penalty, X, y, tasks, weight):
    W = model.coef_.T
    loss = 0.0
    for t in np.unique(tasks):
        mine = tasks == t
        each = X[mine] @ W[:, t], y[mine], weight[mine]
        loss += partial_loss(*each) / weight[mine].sum()
    return loss + penalty.value(W)


# coefficients of each task by R's survival 3.5-3 (coxph, Breslow's ties, weights), the
# cumulative baseline hazards at times 1, 5 and 13 by its basehaz, its concordance
OF_R = {
    False: (
        [[-0.117136089604, 0.125976539117], [0.087412316867, 0.419373816003]]
        + [[0.098517143067, 0.134201069320]],
        [[0.0788736605679, 0.5139899211247, 2.5555307731870]]
        + [[0.0383006508236, 0.3696168251577, 4.0283990555243]]
        + [[0.0594404032269, 0.3180247431838, 2.5647319578196]],
        [0.527777777778, 0.574948665298, 0.571005917160],
    ),
    True: (
        [[-0.132035148663, 0.186201752008], [0.155853220101, 0.351673493421]]
        + [[0.147153647335, 0.162560377741]],
        [[0.0, 0.550731574603, 1.548677618258], None]
        + [[0.153372564366, 0.341606219392, 2.272468253087]],
        [0.550185873606, 0.578740157480, 0.556390977444],
    ),
}


@pytest.mark.parametrize("stratified", [False, True])
def test_without_a_penalty_it_is_what_r_finds(stratified):
    i = np.arange(60)
    tasks, strata = i % 3, (i // 3) % 2 if stratified else None
    X = np.column_stack([np.sin(1.7 * i), np.cos(0.9 * i + tasks)])
    weight, event = 1.0 + i % 4, (i * 5) % 4 > 0
    y = survival_target(1 + (i * 7) % 13, event, strata)
    coef, hazards, concordances = OF_R[stratified]
    # others end as soon as the objective is exact, its root short of coefficients
    exact = {"tol": 1e-12, "solver": "backtracking"}
    model = CoxRegressor(L21(0.0), **exact).fit(X, y, tasks, weight)
    np.testing.assert_allclose(model.coef_, coef, atol=1e-7)
    risk = model.predict(X, tasks)
    each = concordance_index(y, risk, tasks, average=None, sample_weight=weight)
    np.testing.assert_allclose(each.values, concordances, atol=1e-11)
    for t, hazard in enumerate(hazards):
        if hazard is not None:
            of_first = {"strata": [0]} if stratified else {}
            times = [1, 5, 13]
            survival = model.predict_survival([[0.0, 0.0]], times, [t], **of_first)
            np.testing.assert_allclose(survival[0], np.exp(-np.array(hazard)), 1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(
    "penalty",
    [L21(0.02), MeanRegularized(0.1, 0.0), TraceNorm(0.03), Deviation(L1(0.02))],
    ids=["l21", "mean-free", "trace", "around-a-free-mean"],
)
def test_optimum_is_that_of_a_conic_solver(penalty):
    X, y, tasks, weight = data(n=45)
    model = CoxRegressor(penalty, **TIGHT).fit(X, y, tasks, weight)
    value = objective(model, penalty, X, y, tasks, weight)
    np.testing.assert_allclose(model.objective_, value, rtol=1e-10)
    W, m = cp.Variable((4, 3)), cp.Variable(4)
    loss = 0.0
    for t in range(3):
        mine = tasks == t
        each = X[mine] @ W[:, t], y[mine], weight[mine]
        loss += partial_loss(*each, conic=True) / weight[mine].sum()
    spread = W - cp.reshape(m, (4, 1), order="F") @ np.ones((1, 3))
    pay = {
        L21: lambda: 0.02 * cp.sum(cp.norm(W, axis=1)),
        MeanRegularized: lambda: 0.05 * cp.sum_squares(spread),
        TraceNorm: lambda: 0.03 * cp.normNuc(W),
        Deviation: lambda: 0.02 * cp.sum(cp.abs(spread)),
    }[type(penalty)]()
    problem = cp.Problem(cp.Minimize(loss + pay))
    problem.solve(solver="CLARABEL")
    np.testing.assert_allclose(model.objective_, problem.value, rtol=1e-6)
    assert model.dual_gap_ <= model.tol_


@pytest.mark.parametrize(
    "penalty",
    [L21(0.02), L21(0.02, feature_weight=[0, 1, 0, 2]), MeanRegularized(0.1, 0.0)],
    ids=["norm", "free-features", "free-mean"],
)
@pytest.mark.filterwarnings("ignore:.*stopped after 1 iterations")
def test_the_gap_is_above_the_distance_to_the_optimum(penalty):
    """Anywhere: bounds of moved residuals are bounds, however far they are moved."""
    X, y, tasks, weight = data()
    best = CoxRegressor(penalty, **TIGHT).fit(X, y, tasks, weight)
    rng = np.random.default_rng(0)
    for size in (1e-4, 1e-2, 0.3, 3.0):
        start = best.coef_ + size * rng.normal(size=best.coef_.shape)
        model = CoxRegressor(penalty, tol=0.9, max_iter=1)
        model.fit(X, y, tasks, weight, coef_init=start)
        above = objective(model, penalty, X, y, tasks, weight) - best.objective_
        assert model.dual_gap_ >= above - 1e-12


def test_strata_are_tasks_of_the_same_coefficients():
    X, y, tasks, weight = data()
    stratified = CoxRegressor(L21(0.05), **TIGHT)
    stratified.fit(X, survival_target(np.abs(y), y > 0, tasks), None, weight)
    loss = sum(
        partial_loss(X[m] @ stratified.coef_, y[m], weight[m])
        for m in (tasks == t for t in range(3))
    )
    norm = np.abs(stratified.coef_).sum()
    value = loss / weight.sum() + 0.05 * norm
    np.testing.assert_allclose(stratified.objective_, value, rtol=1e-10)
    # rows of another stratum say nothing of each other's times
    later = survival_target(np.abs(y) + 20 * tasks, y > 0, tasks)
    again = clone(stratified).fit(X, later, None, weight)
    np.testing.assert_allclose(again.coef_, stratified.coef_, atol=1e-12)


def test_integer_weights_are_repetitions_and_zeros_are_removals():
    X, y, tasks, _ = data()
    weight = np.arange(len(y)) % 4
    rows = np.repeat(np.arange(len(y)), weight)
    weighted = CoxRegressor(L21(0.02), **TIGHT).fit(X, y, tasks, weight)
    repeated = CoxRegressor(L21(0.02), **TIGHT).fit(X[rows], y[rows], tasks[rows])
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-7)
    assert weighted.score(X, y, tasks, weight) == pytest.approx(
        repeated.score(X[rows], y[rows], tasks[rows])
    )


def test_only_the_order_of_times_matters():
    X, y, tasks, _ = data()
    first = CoxRegressor(L21(0.02)).fit(X, y, tasks)
    for other in (
        np.sign(y) * np.exp(np.abs(y)),
        survival_target(3.0 + np.abs(y), y > 0),
        pd.Series(y),
        y.tolist(),
        np.array([*zip(y > 0, np.abs(y), strict=True)], dtype="?,f4"),
    ):
        model = CoxRegressor(L21(0.02)).fit(X, other, tasks)
        np.testing.assert_array_equal(model.coef_, first.coef_)
        assert model.score(X, other, tasks) == first.score(X, other, tasks)
    # and no constant that is added to a feature
    far = CoxRegressor(L21(0.02), **TIGHT).fit(X + [0, 1e4, -20, 3], y, tasks)
    np.testing.assert_allclose(far.coef_, first.coef_, atol=2e-3)


def test_layouts():
    X, y, _, _ = data(n=40)
    wide = np.column_stack([y, np.where(np.arange(40) % 4, -np.abs(y), y)])
    wide[5:9, 0] = np.nan
    model = CoxRegressor(L21(0.03), **TIGHT).fit(X, wide)
    long = CoxRegressor(L21(0.03), **TIGHT)
    seen, tasks = ~np.isnan(wide.T.ravel()), np.repeat([0, 1], 40)
    Xs, ys = np.vstack([X, X]), wide.T.ravel()
    long.fit(Xs[seen], ys[seen], tasks[seen])
    np.testing.assert_allclose(model.coef_, long.coef_, atol=1e-7)
    assert model.score(X, wide) == pytest.approx(
        long.score(Xs[seen], ys[seen], tasks[seen])
    )
    curves = model.predict_survival(X, [1.0, 4.0])
    assert curves.shape == (40, 2, 2)
    of_one = long.predict_survival(X, [1.0, 4.0], np.ones(40, dtype=int))
    np.testing.assert_allclose(curves[:, 1], of_one, atol=1e-6)
    of_sparse = CoxRegressor(L21(0.03), **TIGHT).fit(sparse.csr_array(X), wide)
    np.testing.assert_allclose(of_sparse.coef_, model.coef_, atol=1e-7)
    single = CoxRegressor(L21(0.03)).fit(X, y)
    assert single.coef_.shape == (4,)
    assert single.intercept_ == 0.0
    assert single.predict_survival(X, 2.0).shape == (40, 1)


def test_survival_is_one_at_first_and_never_rises():
    X, y, tasks, _ = data()
    model = CoxRegressor(MeanRegularized(0.1, 0.01)).fit(X, y, tasks)
    times = np.linspace(0.0, 12.0, 30)
    curves = model.predict_survival(X, times, tasks)
    assert np.all(curves[:, 0] == 1.0)
    assert np.all(np.diff(curves) <= 0)
    # the events expected until the end of each row's time are those seen
    hazard = -np.log(
        model.predict_survival(X, np.abs(y), tasks)[np.arange(90), range(90)]
    )
    for t in range(3):
        np.testing.assert_allclose(hazard[tasks == t].sum(), np.sum(y[tasks == t] > 0))


def test_an_offset_is_a_known_part_of_the_risk():
    X, y, tasks, _ = data()
    known = 0.5 * X[:, 0]
    model = CoxRegressor(L21(0.0), tol=1e-11).fit(X, y, tasks, offset=known)
    plain = CoxRegressor(L21(0.0), tol=1e-11).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_ + [0.5, 0, 0, 0], plain.coef_, atol=1e-5)
    np.testing.assert_allclose(
        model.predict_survival(X, [3.0], tasks, offset=known),
        plain.predict_survival(X, [3.0], tasks),
        atol=1e-5,
    )


@pytest.mark.slow
def test_held_out_scores_are_those_of_all_rows_less_those_of_training():
    X, y, tasks, _ = data()
    splits = list(TaskKFold(3).split(X, y, tasks))
    model = CoxRegressorCV(alphas=[0.1, 0.01], cv=splits, tol=1e-10)
    model.fit(X, y, tasks)
    for (k, (train, _)), (a, alpha) in product(
        enumerate(splits), enumerate(model.alphas_)
    ):
        fold = CoxRegressor(L21(alpha), tol=1e-10).fit(X[train], y[train], tasks[train])
        for t in range(3):
            mine, kept = tasks == t, np.isin(np.arange(90), train) & (tasks == t)
            score = [
                -partial_loss(X[m] @ fold.coef_[t], y[m], np.ones(m.sum()))
                for m in (mine, kept)
            ]
            expected = (score[0] - score[1]) / (mine.sum() - kept.sum())
            found = model.task_scores_path_[a, k, t]
            np.testing.assert_allclose(found, expected, atol=2e-5)
    chosen = CoxRegressor(model.penalty_).fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, chosen.coef_, atol=1e-3)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).coef_, model.coef_)


@pytest.mark.slow
def test_inside_scikit_learn_and_by_concordance():
    X, y, tasks, _ = data()
    table = np.column_stack([tasks, X])
    model, cv = CoxRegressor(L21(0.02), task_column=0), TaskKFold(3, task_column=0)
    target = survival_target(np.abs(y), y > 0)
    scorer = make_task_scorer(concordance_index, task_column=0)
    for scoring in (None, scorer):
        scores = [
            cross_val_score(model, table, each, cv=cv, scoring=scoring)
            for each in (y, target)
        ]
        np.testing.assert_allclose(*scores)
    search = GridSearchCV(model, {"penalty__alpha": [0.3, 0.02]}, cv=cv)
    assert 0.5 < search.fit(table, target).best_score_ < 1.0
    by_rank = CoxRegressorCV(
        alphas=4,
        cv=3,
        scoring=concordance_index,
    ).fit(X, y, tasks)
    assert 0.5 < by_rank.scores_path_.max() < 1.0


def test_concordance_is_the_share_of_pairs_in_order():
    rng = np.random.default_rng(0)
    time, event = rng.integers(1, 8, 40), rng.random(40) < 0.6
    risk, strata = rng.integers(0, 5, 40), rng.integers(0, 2, 40)
    right = pairs = 0.0
    for i, j in product(range(40), repeat=2):
        first = time[i] < time[j] or (time[i] == time[j] and not event[j])
        if event[i] and first and strata[i] == strata[j]:
            pairs += 1
            right += (risk[i] > risk[j]) + 0.5 * (risk[i] == risk[j])
    target = survival_target(time, event, strata)
    assert concordance_index(target, risk) == pytest.approx(right / pairs)
    tasks = rng.integers(0, 2, 40)
    signed = np.where(event, time, -time)
    each = per_task(concordance_index, signed, risk, tasks)
    alone = [concordance_index(signed[tasks == t], risk[tasks == t]) for t in (0, 1)]
    np.testing.assert_allclose(each.values, alone)
    assert concordance_index(signed, risk, tasks) == pytest.approx(np.mean(alone))
    never = [
        concordance_index([-1.0, -2.0], [0.0, 1.0], undefined=u) for u in ("nan", 0.5)
    ]
    np.testing.assert_array_equal(never, [np.nan, 0.5])


def test_it_predicts_the_same_where_it_was_exported():
    X, y, tasks, _ = data()
    model = CoxRegressor(L21(0.02)).fit(X, y, tasks)
    loaded = from_json(to_json(model))
    np.testing.assert_array_equal(loaded.predict(X, tasks), model.predict(X, tasks))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": lambda y: -np.abs(y)}, "no event"),
        ({"y": lambda y: np.array([("a", 1.0)] * 90, dtype="U1,f8")}, "fields"),
        ({"y": lambda y: np.array([(True, -1.0)] * 90, dtype="?,f8")}, "not negative"),
        ({"y": lambda y: np.where(y > 3, "late", "soon")}, "numbers are expected"),
        ({"y": lambda y: np.column_stack([np.abs(y), y > 0])}, "survival_target"),
        ({"y": lambda y: y > 0}, "survival_target"),
        ({"y": lambda y: survival_target(y**2, y > 0)[:, None]}, "shape"),
        ({"fit_intercept": False}, "baseline hazard"),
        ({"task_weight": "minimax"}, "minimax"),
        ({"penalty": MeanRegularized(0.1, intercept_weight=1.0)}, "intercept_weight"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(change, message):
    X, y, tasks, _ = data()
    change = dict(change)
    y = change.pop("y", lambda y: y)(y)
    with pytest.raises(ValueError, match=message) as error:
        CoxRegressor(**change).fit(X, y, tasks)
    assert "\n" not in str(error.value)


def test_what_cannot_be_asked_is_refused():
    X, y, tasks, _ = data()
    strata = np.arange(90) % 2
    model = CoxRegressor(L21(0.02)).fit(X, y, tasks)
    stratified = clone(model).fit(X, survival_target(np.abs(y), y > 0, strata), tasks)
    for call, message in [
        (lambda: model.predict_survival(X, [1.0], tasks, strata=strata), "drop strata"),
        (lambda: stratified.predict_survival(X, [1.0], tasks), "pass strata"),
        (
            lambda: stratified.predict_survival(X, [1.0], tasks, strata=strata + 1),
            "among those seen",
        ),
        (lambda: model.predict_survival(X, [np.nan], tasks), "none missing"),
        (lambda: CoxRegressorCV(cv="loo").fit(X, y, tasks), "number of folds"),
        (lambda: CoxRegressorCV(criterion="aic").fit(X, y, tasks), "number of folds"),
        (lambda: survival_target([1.0, 2.0], [1, 2]), "true or false"),
        (lambda: survival_target([1.0, 2.0], [True]), "shapes"),
        (lambda: survival_target([1.0, np.inf], [True, True]), "finite"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    assert not hasattr(model, "fit_new_task")
    unseen = clone(model).set_params(handle_unknown="mean").fit(X, y, tasks)
    mean = unseen.predict(X[:2], [7, 8])
    np.testing.assert_allclose(mean, X[:2] @ unseen.coef_.mean(axis=0))
    with pytest.raises(ValueError, match="no baseline hazard"):
        unseen.predict_survival(X[:2], [1.0], [7, 8])


def test_a_task_without_events_has_what_the_penalty_gives_it():
    X, y, tasks, _ = data()
    y = np.where(tasks == 1, -np.abs(y), y)
    with pytest.warns(UserWarning, match="no event: 1"):
        model = CoxRegressor(MeanRegularized(0.1, 0.01)).fit(X, y, tasks)
    np.testing.assert_allclose(
        model.coef_[1], model.coef_[[0, 2]].mean(axis=0), atol=5e-3, rtol=0.2
    )
    assert np.all(model.predict_survival(X[:1], [5.0], [1]) == 1.0)


def test_quadratic_penalties_take_few_steps():
    """Newton's by products; of wide data with a mean gradients took thousands."""
    rng = np.random.default_rng(0)
    X, tasks = rng.normal(size=(90, 60)), np.arange(90) % 3
    time = rng.exponential(np.exp(-X[:, 0]))
    y = survival_target(np.minimum(time, 2.0), event=time < 2.0)
    penalty = MeanRegularized(1e-3)
    model = CoxRegressor(penalty, max_iter=2000).fit(X, y, tasks)
    assert (model.solver_, model.dual_gap_ <= model.tol_) == ("cg", True)
    slow = CoxRegressor(penalty, solver="backtracking", tol=0.05).fit(X, y, tasks)
    assert model.objective_ <= slow.objective_
    assert slow.objective_ - slow.dual_gap_ <= model.objective_
