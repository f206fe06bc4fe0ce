"""What type checkers have to find: every line with a mark, and no other, is wrong.

A mark that hides no error is an error itself.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=error, reportUnusedExpression=false

import numpy as np

from linmtl import (
    CalibratedRegressor,
    DirtyRegressor,
    GOMTLRegressor,
    IncompleteSourcesRegressor,
    L2Regressor,  # pyright: ignore[reportAttributeAccessIssue]
    L21Classifier,
    L21Regressor,
    L21RegressorCV,
    MultiTaskRegressor,
    TaskScaler,
    TaskThresholdClassifier,
    TraceNormClassifier,
    stack_tasks,
)
from linmtl.datasets import make_multitask_regression
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_max
from linmtl.penalties import L1, L21, Ridge, TraceNorm
from linmtl.similarity import coefficient_similarity
from linmtl.transfer import GroupedMultiTaskRegressor, SafeTransferRegressor

X, y, tasks = make_multitask_regression(random_state=0)


def parameters() -> None:
    L21Regressor(alhpa=1)  # pyright: ignore[reportCallIssue]
    L21Regressor(alpha=0.1, alphas=5)  # pyright: ignore[reportCallIssue]
    L21Regressor(0.1, True)  # pyright: ignore[reportCallIssue]
    L21Regressor(class_weight="balanced")  # pyright: ignore[reportCallIssue]
    L21RegressorCV(0.1)  # pyright: ignore[reportCallIssue]
    L21RegressorCV(alpha=0.1)  # pyright: ignore[reportCallIssue]
    TraceNormClassifier(positive=True)  # pyright: ignore[reportCallIssue]
    CalibratedRegressor(noise=1.0)  # pyright: ignore[reportCallIssue]
    GOMTLRegressor(alpha=0.1)  # pyright: ignore[reportCallIssue]
    IncompleteSourcesRegressor(task_column=0)  # pyright: ignore[reportCallIssue]
    TaskScaler(with_means=True)  # pyright: ignore[reportCallIssue]
    TaskKFold(5, random=0)  # pyright: ignore[reportCallIssue]
    GroupedMultiTaskRegressor(alpha=0.1)  # pyright: ignore[reportCallIssue]
    alpha_max(X, y, tasks)  # pyright: ignore[reportCallIssue]


def types() -> None:
    L21Regressor(alpha="strong")  # pyright: ignore[reportArgumentType]
    L21Regressor(alpha=None)  # pyright: ignore[reportArgumentType]
    L21Regressor(fit_intercept="no")  # pyright: ignore[reportArgumentType]
    L21Regressor(handle_unknown="ignore")  # pyright: ignore[reportArgumentType]
    L21Regressor(max_iter=1e4)  # pyright: ignore[reportArgumentType]
    L21Classifier(class_weight="rare")  # pyright: ignore[reportArgumentType]
    L21RegressorCV(selection="2se")  # pyright: ignore[reportArgumentType]
    MultiTaskRegressor(0.1)  # pyright: ignore[reportArgumentType]
    MultiTaskRegressor(L21)  # pyright: ignore[reportArgumentType]
    TaskThresholdClassifier(L21Regressor())  # pyright: ignore[reportArgumentType]
    SafeTransferRegressor("L21")  # pyright: ignore[reportArgumentType]
    TraceNorm(alpha="strong")  # pyright: ignore[reportArgumentType]
    L21(0.1) + 0.1  # pyright: ignore[reportOperatorIssue]
    Ridge(0.1) + L1  # pyright: ignore[reportOperatorIssue]


def calls() -> None:
    model = L21Regressor()
    model.fit(X)  # pyright: ignore[reportCallIssue]
    model.fit(X, y, task=tasks)  # pyright: ignore[reportCallIssue]
    model.fit(X, y, groups=tasks)  # pyright: ignore[reportCallIssue]
    model.fit(X, None)  # pyright: ignore[reportArgumentType]
    model.predict(X, y, tasks)  # pyright: ignore[reportCallIssue]
    model.predict_all(X, tasks)  # pyright: ignore[reportCallIssue]
    stack_tasks([X])  # pyright: ignore[reportCallIssue]


def attributes() -> None:
    model = L21Regressor().fit(X, y, tasks)
    model.coefs_  # pyright: ignore[reportAttributeAccessIssue]
    model.alpha_  # pyright: ignore[reportAttributeAccessIssue]
    model.noise_  # pyright: ignore[reportAttributeAccessIssue]
    model.mse_path_  # pyright: ignore[reportAttributeAccessIssue]
    model.predict_proba(X)  # pyright: ignore[reportAttributeAccessIssue]
    model.transform(X)  # pyright: ignore[reportAttributeAccessIssue]
    model.coef_.to_frame()  # pyright: ignore[reportAttributeAccessIssue]
    model.dual_gap_.shape  # pyright: ignore[reportAttributeAccessIssue]
    model.converged_ + "!"  # pyright: ignore[reportOperatorIssue]
    DirtyRegressor().fit(X, y).coef_parts_  # pyright: ignore[reportAttributeAccessIssue]
    L21Classifier().fit(X, y > 0).mse_path_  # pyright: ignore[reportAttributeAccessIssue]
    coefficient_similarity(model).to_table()  # pyright: ignore[reportAttributeAccessIssue]
    scores: np.ndarray = model.score(X, y)  # pyright: ignore[reportAssignmentType]
    print(scores, L2Regressor)
