"""What users write: type checkers find no error in it, and it runs."""

# pyright: reportUnusedExpression=false

from typing import assert_type

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from linmtl import (
    AutoRegressor,
    CalibratedRegressor,
    DirtyRegressor,
    GOMTLRegressor,
    GraphRegularizedRegressor,
    IncompleteSourcesRegressor,
    IndependentRegressor,
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MeanRegularizedRegressor,
    MixedEffectsRegressor,
    MultiTaskClassifierCV,
    MultiTaskRegressor,
    MultiTaskRegressorCV,
    PooledRegressor,
    TaskScaler,
    TaskThresholdClassifier,
    TraceNormClassifierCV,
    TraceNormRegressor,
    estimators,
    stack_tasks,
    unstack_tasks,
)
from linmtl.datasets import (
    load_parkinsons,
    make_multitask_classification,
    make_multitask_regression,
)
from linmtl.metrics import make_task_scorer, normalized_mse, per_task
from linmtl.model_selection import LeaveOneTaskOut, TaskKFold, TaskShuffleSplit
from linmtl.path import alpha_grid, alpha_max, mtl_path
from linmtl.penalties import L1, L21, InfimalConvolution, Penalty, Ridge, TraceNorm
from linmtl.similarity import (
    TaskMatrix,
    chow_test,
    coefficient_similarity,
    task_graph,
)
from linmtl.transfer import (
    GroupedMultiTaskRegressor,
    SafeTransfer,
    SafeTransferRegressor,
    TaskGrouper,
    detect_sources,
    negative_transfer_report,
    transfer_gain,
)
from linmtl.unsupervised import MultiTaskKMeans


def readme() -> None:
    X, y, tasks = load_parkinsons(return_X_y=True)  # 42 patients
    split = TaskShuffleSplit(n_splits=1, train_size=0.1, random_state=0)
    rows, _ = next(split.split(X, y, tasks))
    X = TaskScaler().fit(X[rows]).transform(X)  # of a DataFrame: X.iloc[rows]
    few = X[rows], y[rows], tasks[rows]

    auto = AutoRegressor(cv=3).fit(*few)  # then auto.predict(X, tasks)
    print(auto.leaderboard_)  # twelve models on the same held-out rows, paired errors
    report = negative_transfer_report(MixedEffectsRegressor(), *few)
    print(report.summary)  # who is helped, hurt, equivalent or undecided


def fitted_models() -> None:
    X, y, tasks = make_multitask_regression(random_state=0)
    model = L21Regressor(0.1, feature_weight=np.ones(20), refit=True).fit(X, y, tasks)
    assert_type(model, L21Regressor)
    assert_type(model.coef_, np.ndarray)
    assert_type(model.coef_before_refit_, np.ndarray)
    assert_type(model.dual_gap_, float)
    assert_type(model.n_iter_, int)
    assert_type(model.converged_, bool)
    assert_type(model.predict(X, tasks), np.ndarray)
    assert_type(model.predict_all(X), np.ndarray)
    assert_type(model.score(X, y, tasks), float)
    assert_type(model.set_params(alpha=0.2), L21Regressor)
    assert_type(estimators.L21Regressor(), L21Regressor)
    print(f"{model.intercept_.mean():.2f} {model.tasks_[0]} {model.get_params()}")

    known = model.fit_new_task(X[:9], y[:9], name=99, how="mean")
    assert_type(known, L21Regressor)
    for name, how in known.new_tasks_.items():
        print(name, how["alpha"])

    assert_type(
        DirtyRegressor().fit(X, y, tasks).coef_components_["shared"], np.ndarray
    )
    assert_type(CalibratedRegressor().fit(X, y, tasks).noise_, np.ndarray)
    assert_type(GOMTLRegressor(2).fit(X, y, tasks).task_codes_, np.ndarray)
    assert_type(IndependentRegressor("cv").fit(X, y, tasks).alpha_, np.ndarray)
    assert_type(PooledRegressor(task_intercepts=True).fit(X, y, tasks), PooledRegressor)


def data_of_every_kind() -> None:
    X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
    weights: dict[int, float] = {0: 1.0, 1: 2.0, 2: 1.0}
    L21Regressor(task_weight=weights).fit(X.tolist(), y.tolist(), tasks.tolist())
    L21Regressor(task_weight=[1.0, 2.0, 1.0]).fit(sparse.csr_array(X), y, tasks)
    L21Regressor(task_weight="n_samples").fit(X, pd.Series(y), pd.Series(tasks))
    L21Regressor().fit(X, np.column_stack([y, -y])).predict(X)
    L21Regressor().fit(X, y, sample_weight=np.ones(len(y))).predict(X)
    frame = pd.DataFrame(X).assign(site=tasks)
    frame.columns = frame.columns.astype(str)
    model = L21Regressor(task_column="site", handle_unknown="mean").fit(frame, y)
    print(model.coef_feature_names_.tolist(), model.predict(frame))
    stacked = stack_tasks({"a": X[:20], "b": X[20:50]}, {"a": y[:20], "b": y[20:50]})
    TraceNormRegressor(0.1).fit(*stacked)
    unstack_tasks(*stacked)
    rows = X.copy()
    rows[:9, :3] = np.nan
    sources = IncompleteSourcesRegressor(0.1, sources=[0] * 3 + [1] * 17).fit(rows, y)
    assert_type(sources.patterns_, np.ndarray)
    assert_type(sources.predict(rows), np.ndarray)


def classifiers() -> None:
    X, y, tasks = make_multitask_classification(n_samples=100, random_state=0)
    model = L21Classifier(class_weight="balanced").fit(X, y, tasks)
    assert_type(model, L21Classifier)
    assert_type(model.classes_, np.ndarray)
    assert_type(model.predict_proba(X, tasks), np.ndarray)
    assert_type(model.decision_function(X, tasks), np.ndarray)
    L21Classifier(class_weight={0: 1.0, 1: 2.0}).fit(X, y, tasks)
    thresholds = TaskThresholdClassifier(model, scoring="f1", cv=3).fit(X, y, tasks)
    assert_type(thresholds.thresholds_, np.ndarray)
    assert_type(thresholds.predict(X, tasks), np.ndarray)


def strengths() -> None:
    X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    model = L21RegressorCV(alphas=[0.3, 0.1], cv=3, selection="1se").fit(X, y, tasks)
    assert_type(model, L21RegressorCV)
    assert_type(model.alpha_, float)
    assert_type(model.alphas_, np.ndarray)
    assert_type(model.mse_path_, np.ndarray)
    assert_type(model.task_mse_path_, np.ndarray)
    best = L21Regressor(**model.best_params_).fit(X, y, tasks)
    assert_type(best, L21Regressor)
    labels = y > 0
    classifier = TraceNormClassifierCV(alphas=3, cv=TaskKFold(3)).fit(X, labels, tasks)
    assert_type(classifier.scores_path_, np.ndarray)
    generic = MultiTaskClassifierCV(L21(), alphas=3, cv=3).fit(X, labels, tasks)
    assert_type(generic.penalty_, Penalty)

    penalty: Penalty = L21(0.1) + Ridge(0.01)
    MultiTaskRegressor(penalty).fit(X, y, tasks)
    MultiTaskRegressor(L1(0.1) + L21(0.1, positive=False) + Ridge([0.1] * 4))
    parts = MultiTaskRegressor(InfimalConvolution(L21(0.1), TraceNorm(0.1)))
    assert_type(parts.fit(X, y, tasks).coef_components_["first"], np.ndarray)
    MultiTaskRegressorCV(
        L1() + Ridge(), param_grid={"first__alpha": [0.1, 1]}, alphas=3, cv=3
    ).fit(X, y, tasks)

    largest = alpha_max(X, y, tasks, penalty=L21())
    assert_type(largest, float)
    grid = alpha_grid(X, y, tasks, penalty=L21(), n_alphas=5)
    alphas, coefs = mtl_path(X, y, tasks, penalty=L21(), alphas=grid)[:2]
    print(alphas[0] - largest, coefs.shape)


def scikit_learn() -> None:
    X, y, tasks = make_multitask_regression(n_tasks=3, random_state=0)
    table = np.column_stack([X, tasks])
    model = L21Regressor(0.1, task_column=20)
    search = GridSearchCV(model, {"alpha": [0.1, 1.0]}, cv=TaskKFold(3))
    search.fit(table, y, groups=tasks)
    print(search.best_params_, search.predict(table))
    pipeline: Pipeline = make_pipeline(StandardScaler(), L21Regressor(0.1))
    pipeline.fit(X, y, l21regressor__tasks=tasks)
    Pipeline([("scale", TaskScaler()), ("model", L21Regressor())]).fit(X, y)
    with config_context(enable_metadata_routing=True):
        routed = model.set_fit_request(tasks=True).set_predict_request(tasks=True)
        assert_type(routed, L21Regressor)
        TaskScaler().set_fit_request(tasks=True).set_transform_request(tasks=True)
        assert_type(TaskKFold(3).set_split_request(groups="tasks"), TaskKFold)
    cross_val_score(model, table, y, cv=TaskKFold(3), groups=tasks)
    scorer = make_task_scorer(normalized_mse, greater_is_better=False)
    print(scorer(model.fit(table, y), table, y))
    for train, test in TaskKFold(3, shuffle=True, random_state=0).split(X, y, tasks):
        print(train.size, test.size)
    for train, _ in LeaveOneTaskOut().split(X, y, tasks):
        print(train.size)


def around_the_models() -> None:
    X, y, tasks = make_multitask_regression(n_tasks=4, random_state=0)
    alone = IndependentRegressor(0.1).fit(X, y, tasks)
    scores = per_task(normalized_mse, y, alone.predict(X, tasks), tasks)
    print(scores.to_frame())
    alike = coefficient_similarity(alone)
    assert_type(alike, TaskMatrix)
    graph = task_graph(alike, method="knn", n_neighbors=2)
    GraphRegularizedRegressor(graph).fit(X, y, tasks)
    print(alike.to_frame(), chow_test(X, y, tasks).to_frame())

    model = MeanRegularizedRegressor(alpha=1.0)
    report = negative_transfer_report(model, X, y, tasks, cv=3)
    print(report, report.summary, report.to_frame())
    transfer_gain(model, X, y, tasks, cv=3).to_frame()
    print(detect_sources(PooledRegressor(), X, y, tasks, target=0).sources)
    safe = SafeTransferRegressor(model, random_state=0).fit(X, y, tasks)
    assert_type(safe, SafeTransferRegressor)
    assert_type(safe.weights_, np.ndarray)
    SafeTransfer(model).fit(X, y, tasks).predict(X, tasks)
    grouped = GroupedMultiTaskRegressor(model, TaskGrouper(2)).fit(X, y, tasks)
    assert_type(grouped.labels_, np.ndarray)
    assert_type(grouped.similarity_, TaskMatrix)
    print(MultiTaskKMeans(2).fit(X, tasks=tasks).labels_)


# the example of the README runs with its page
SNIPPETS = [
    fitted_models,
    data_of_every_kind,
    classifiers,
    strengths,
    scikit_learn,
    around_the_models,
]
