"""The estimators inside scikit-learn: its checks, its meta-estimators, its routing."""

import inspect
import pickle
import re
from zlib import crc32

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    KFold,
    LeaveOneGroupOut,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn.utils.fixes import parse_version

import linmtl
from helpers.data import generated
from helpers.frames import with_tasks
from helpers.loops import looped
from helpers.quick import first, is_second
from linmtl import (
    L21Classifier,
    L21Regressor,
    MeanRegularizedRegressor,
    MultiTaskClassifier,
    MultiTaskRegressor,
    TaskScaler,
)
from linmtl.datasets import make_multitask_classification, make_multitask_regression
from linmtl.estimators._alias import Alias
from linmtl.estimators._base import MultiTaskModel
from linmtl.losses import LOSSES
from linmtl.model_selection import TaskKFold
from linmtl.path import alpha_max
from linmtl.penalties import (
    L1,
    L21,
    Deviation,
    GraphLaplacian,
    Linf1,
    MeanRegularized,
    Ridge,
    TaskL21,
    TraceNorm,
)

ESTIMATORS = [
    obj
    for obj in (getattr(linmtl, name) for name in linmtl.__all__)
    if isinstance(obj, type) and issubclass(obj, BaseEstimator)
]
# of tasks; those that make tasks themselves have tests of their own
PREDICTORS = [cls for cls in ESTIMATORS if hasattr(cls, "predict_all")]
PENALTIES = [
    L1(0.1, positive=True),
    L21(0.2, feature_weight=[1.0, 2.0]),
    Ridge(0.3),
    TraceNorm(0.4),
    MeanRegularized(0.5, 0.1),
    GraphLaplacian(None, 0.6),
    L1(0.1) + L21(0.2) + Ridge(0.3),
]
predictors = pytest.mark.parametrize("cls", PREDICTORS, ids=lambda c: c.__name__)
# with parameters of a fit, not those of an estimator around another
# what searches say of made-up classes of few rows, separable or not
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{said}")
    for said in (
        "chose the null model",
        "tells no strength from another",
        r"the best \w+ is the",
        "fits in cross-valid",
        "are fitted exactly",
    )
]
models = looped("cls", [c for c in PREDICTORS if issubclass(c, MultiTaskModel)])


def expected_failures(estimator):
    """What no such estimator can do, and a mistake in an old scikit-learn."""
    failures = {}
    if type(estimator).__name__ == "TaskThresholdClassifier":
        reason = "the class of the larger probability is not what a threshold predicts"
        failures["check_classifiers_train"] = reason
        failures["check_classifier_multioutput"] = reason
    return failures | mistakes_of_scikit_learn(estimator)


def mistakes_of_scikit_learn(estimator):
    if parse_version(sklearn.__version__) >= parse_version("1.7"):
        return {}
    if not (is_classifier(estimator) and hasattr(estimator, "predict")):
        return {}
    if estimator.__sklearn_tags__().classifier_tags.multi_class:
        return {}
    reason = (
        "scikit-learn 1.6 makes two classes out of three by the first label, and "
        "compares two data sets whose first labels differ"
    )
    failures = {"check_sample_weight_equivalence_on_dense_data": reason}
    if estimator.__sklearn_tags__().input_tags.sparse:
        failures["check_sample_weight_equivalence_on_sparse_data"] = reason
    return failures


QUADRATIC = ("Graph", "Mean", "TaskQuadratic")  # solved directly, to rounding


def for_checks(cls):
    """The default, but for time, and for what no default could satisfy."""
    if not hasattr(cls, "predict"):
        return cls()
    names = cls().get_params(deep=False)
    given = {}
    if "models" in names:
        models = [L21Regressor(0.01), linmtl.PooledRegressor()]
        if is_classifier(cls()):
            models = [L21Classifier(), linmtl.PooledClassifier()]
        given = {"models": models, "cv": 2}
    if "alphas" in names:
        given = {"alphas": 2}
        if not cls.__name__.startswith(QUADRATIC):
            given |= {"eps": 0.1, "cv": 2}
    if "CV" in cls.__name__ and names.get("alpha_fused", 0) is None:
        given["alpha_fused"] = 0.1  # None is searched, which has tests of its own
    if cls.__name__ == "NetworkLassoClassifierCV":
        given["max_iter"] = 100  # one task: separable classes have no optimum
    if cls.__name__ in ("IncompleteSourcesClassifier", "MixedTaskEstimator"):
        # repeated rows make Hessians pay where weighted ones do not, and two methods
        # agree to 1e-7 only beyond the default tolerance
        given["tol"] = 1e-10
    return cls(**given)


# The checks of weights fit thirty features to 45 rows, and a strength that is chosen
# may be close to zero: two solutions within the default tolerance differ in the fourth
# digit, where these checks compare to 1e-7. Cross-validation has its own test below.
ITERATIVE = [
    cls
    for cls in ESTIMATORS
    if cls.__name__.startswith(("Auto", "Factored", "GOMTL"))
    or (cls.__name__.endswith("CV") and not cls.__name__.startswith(QUADRATIC))
]


def name_of(check):
    return "-".join([check.func.__name__, *check.keywords])


def scikit_learn_checks():
    """Yield the names of model, kind and check, and the estimator and the check."""
    for cls in ESTIMATORS:
        model, kind = re.fullmatch(
            "(.+?)((?:Regressor|Classifier)?(?:CV)?)", cls.__name__
        ).groups()
        for estimator, check in estimator_checks_generator(for_checks(cls)):
            name = name_of(check)
            if not (cls in ITERATIVE and "sample_weight_equivalence" in name):
                yield (model, kind, name), (estimator, check)


CHECKS = dict(scikit_learn_checks())
MODELS, KINDS, NAMES = (sorted(set(values)) for values in zip(*CHECKS, strict=True))


def is_dear(model, kind, name):
    """Nine tenths of the checks of searches: plain models meet them, too."""
    return kind.endswith("CV") and crc32(f"{model}-{name}".encode()) % 10 > 0


@pytest.mark.product(
    model=MODELS,
    kind=KINDS,
    name=NAMES,
    where=lambda model, kind, name: (model, kind, name) in CHECKS,
    dear=is_dear,
)
@pytest.mark.slow
def test_scikit_learn_checks(request, model, kind, name):
    estimator, check = CHECKS[model, kind, name]
    if reason := expected_failures(estimator).get(check.func.__name__):
        request.applymarker(pytest.mark.xfail(reason=reason))
    check(estimator)


ITERATIVE_CV = [cls for cls in ITERATIVE if cls.__name__.endswith("CV")]


@pytest.mark.product(cls=ITERATIVE_CV, dear=lambda cls: is_second(cls.__name__))
@pytest.mark.slow
def test_weights_are_repetitions_in_cross_validation(cls):
    """The same strength, and objectives as close as their certificates say."""
    rng = np.random.default_rng(0)
    n, d = 40, 5
    X = rng.standard_normal((n, d))
    y = X @ rng.standard_normal(d) + rng.standard_normal(n)
    y = y > 0 if is_classifier(cls()) else y
    weight = rng.integers(1, 4, size=n)
    fold = np.arange(n) % 3
    fits = []
    for rows, kwargs in [
        (np.repeat(np.arange(n), weight), {}),
        (np.arange(n), {"sample_weight": weight}),
    ]:
        cv = list(LeaveOneGroupOut().split(X[rows], groups=fold[rows]))
        model = for_checks(cls).set_params(cv=cv, tol=1e-8, eps=0.05)
        fits.append(model.fit(X[rows], y[rows], **kwargs))
    repeated, weighted = fits
    np.testing.assert_allclose(weighted.alphas_, repeated.alphas_, rtol=1e-6)
    np.testing.assert_allclose(weighted.alpha_, repeated.alpha_, rtol=1e-6)
    gap = max(weighted.dual_gap_, repeated.dual_gap_)
    assert abs(weighted.objective_ - repeated.objective_) <= gap + 1e-12
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, atol=1e-3)


def test_every_class_is_checked():
    """The table above is read from the package: it must not become empty."""
    names = {cls.__name__ for cls in PREDICTORS}
    assert {"L21Regressor", "MultiTaskClassifier", "PooledRegressor"} <= names


@pytest.fixture
def regression():
    """Long data of five tasks, sorted by task, and X with the labels in front."""
    X, y, tasks = make_multitask_regression(
        n_tasks=5, n_samples=24, n_features=6, noise=0.5, random_state=0
    )
    tasks = np.array([f"t{label}" for label in tasks])
    order = np.argsort(tasks, kind="stable")
    X, y, tasks = X[order], y[order], tasks[order]
    return X, y, tasks, with_tasks(X, tasks)


@pytest.fixture
def classification():
    X, y, tasks = make_multitask_classification(
        n_tasks=4, n_samples=40, n_features=5, random_state=1
    )
    return X, y, tasks, with_tasks(X, tasks)


# --- parameters


POSITIONAL = {
    "AdaptiveRobust": ["alpha", "alpha_mean"],
    "Calibrated": ["alpha", "alpha_ridge"],
    "CappedL1": ["alpha", "threshold", "alpha_ridge"],
    "Clustered": ["n_clusters", "alpha", "eta"],
    "Cox": ["penalty"],
    "Descriptor": ["descriptors", "alpha"],
    "Dirty": ["alpha_shared", "alpha_own", "norm"],
    "FusedSparseGroup": ["alpha_l1", "alpha_fused", "alpha_group"],
    "GraphRegularized": ["graph", "alpha", "alpha_ridge", "alpha_l1"],
    "Factored": ["n_components", "alpha"],
    "GOMTL": ["n_components", "alpha_basis", "alpha_sparse"],
    "GroupL21": ["groups", "alpha"],
    "Independent": ["alpha"],
    "L1": ["alpha"],
    "L21": ["alpha"],
    "Linf1": ["alpha"],
    "MCP": ["alpha", "gamma", "alpha_ridge"],
    "MeanRegularized": ["alpha", "alpha_mean"],
    "MixedEffects": ["covariance"],
    "MixedTask": ["penalty"],
    "MultiTask": ["penalty"],
    "NetworkLasso": ["graph", "alpha"],
    "NonconvexFusedGroup": ["alpha", "alpha_fused", "form", "l1_weight"],
    "Ordinal": ["penalty"],
    "Pooled": ["alpha"],
    "RobustFeatures": ["alpha_shared", "alpha_outlier"],
    "RobustLowRank": ["alpha_rank", "alpha_outlier"],
    "SCAD": ["alpha", "gamma", "alpha_ridge"],
    "SharedStructure": ["n_components", "alpha", "eta"],
    "SparseLowRank": ["alpha_sparse", "alpha_rank", "max_trace"],
    "TaskQuadratic": ["K", "alpha"],
    "TaskRelationship": ["alpha"],
    "TemporalGroup": ["alpha", "alpha_smooth", "alpha_ridge"],
    "TraceNorm": ["alpha"],
    "TreeGroupL21": ["tree", "alpha"],
}
POSITIONAL_CV = {
    "Clustered": ["n_clusters"],
    "Cox": ["penalty"],
    "GraphRegularized": ["graph"],
    "GroupL21": ["groups"],
    "MixedTask": ["penalty"],
    "MultiTask": ["penalty"],
    "NetworkLasso": ["graph"],
    "Ordinal": ["penalty"],
    "SharedStructure": ["n_components"],
    "TaskQuadratic": ["K"],
    "TreeGroupL21": ["tree"],
}


@models
def test_signatures(cls):
    """Written out: the order in which arguments may be passed must not change."""
    parameters = inspect.signature(cls).parameters
    own, kind = re.fullmatch(
        r"(\w+?)((?:Regressor|Classifier|Estimator)(?:CV)?)",
        cls.__name__,
    ).groups()
    expected = POSITIONAL_CV.get(own, []) if kind.endswith("CV") else POSITIONAL[own]
    positional = [
        p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert positional == expected
    rest = [p for p in parameters.values() if p.name not in positional]
    assert all(p.kind is p.KEYWORD_ONLY for p in rest)
    assert {"fit_intercept", "task_weight", "tol", "warm_start"} <= set(parameters)
    assert ("alphas" in parameters) == kind.endswith("CV")
    model = cls()
    for name, parameter in parameters.items():
        assert getattr(model, name) is parameter.default
    assert set(vars(model)) == set(parameters) == set(model.get_params(deep=False))


class Stronger(L21Regressor):
    """A subclass with a constructor of its own, which is not generated."""

    def __init__(self, strength=0.3, *, tol=1e-3):
        super().__init__(alpha=strength, tol=tol)
        self.strength = strength


class Renamed(L21Regressor):
    """A subclass without one; a name with an annotation is no parameter."""

    colour: str = "red"


def test_subclasses_of_users(regression):
    X, y, tasks, _ = regression
    expected = L21Regressor(0.3, tol=1e-3).fit(X, y, tasks)
    model = clone(Stronger()).fit(X, y, tasks)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert model.get_params() == {"strength": 0.3, "tol": 1e-3}
    assert repr(Stronger(0.2)) == "Stronger(strength=0.2)"
    model = clone(Renamed(0.3, tol=1e-3)).fit(X, y, tasks)
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert "colour" not in model.get_params()
    assert repr(model) == "Renamed(alpha=0.3, tol=0.001)"
    assert pickle.loads(pickle.dumps(model)).get_params() == model.get_params()


def test_estimators_are_equal_to_themselves_only():
    """As in scikit-learn, so that they can be compared and put into sets."""
    model = L21Regressor()
    assert model == model
    assert model != L21Regressor()
    assert len({model, L21Regressor()}) == 2


@models
def test_clone_keeps_every_parameter(cls):
    model = cls()
    changed = {"tol": 1e-3, "max_iter": 17, "task_weight": {"a": 1.0}, "verbose": 0}
    model.set_params(**changed, task_column="site", fit_intercept=False)
    copy = clone(model)
    assert repr(copy) == repr(model)
    # clone compares by identity where constructors touch what they are given
    for name, value in model.get_params(deep=False).items():
        assert copy.get_params(deep=False)[name] == value


@models
def test_constructors_check_nothing(cls):
    """Parameters are checked in fit, or set_params could not repair them."""
    model = cls().set_params(tol="wrong", max_iter=None, handle_unknown=3)
    assert model.tol == "wrong"
    assert clone(model).max_iter is None


@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: type(p).__name__)
@pytest.mark.parametrize("cls", [MultiTaskRegressor, MultiTaskClassifier])
def test_penalties_are_parameters(penalty, cls):
    model = cls(penalty)
    copy = clone(model)
    assert copy.penalty is not penalty
    assert repr(copy) == repr(model)
    names = model.get_params()
    for name, value in penalty.get_params().items():
        if not isinstance(value, BaseEstimator):
            assert names[f"penalty__{name}"] is value


def test_parameters_of_a_sum_are_reached_by_name():
    model = MultiTaskRegressor(L1(0.1) + L21(0.2) + Ridge(0.3))
    model.set_params(penalty__first__second__alpha=7.0, penalty__second__alpha=8.0)
    assert repr(model.penalty) == repr(L1(0.1) + L21(7.0) + Ridge(8.0))
    model.set_params(penalty__first=TraceNorm(9.0))
    assert repr(model.penalty) == repr(TraceNorm(9.0) + Ridge(8.0))


def test_setting_alpha_is_constructing_with_alpha(regression):
    X, y, tasks, _ = regression
    for cls in (L21Regressor, linmtl.TraceNormRegressor, linmtl.L1Regressor):
        model = cls(1.0).fit(X, y, tasks).set_params(alpha=0.05).fit(X, y, tasks)
        fresh = cls(0.05).fit(X, y, tasks)
        np.testing.assert_array_equal(model.coef_, fresh.coef_)


def test_repr_shows_what_was_changed():
    assert repr(L21Regressor()) == "L21Regressor()"
    assert repr(L21Regressor(0.5)) == "L21Regressor(alpha=0.5)"
    model = MultiTaskRegressor(L21(0.1) + Ridge(0.01))
    assert "Sum(first=L21(alpha=0.1), second=Ridge(alpha=0.01))" in " ".join(
        repr(model).split()
    )


def test_fit_leaves_parameters_alone(regression):
    X, y, tasks, _ = regression
    penalty = L1(0.1) + L21(0.2, feature_weight=np.ones(6))
    model = MultiTaskRegressor(penalty)
    before = repr(model)
    model.fit(X, y, tasks)
    assert model.penalty is penalty
    assert repr(model) == before


@pytest.mark.parametrize(
    "cls",
    [
        pytest.param(cls, marks=pytest.mark.slow)
        if cls.__name__.endswith("CV")
        else cls
        for cls in PREDICTORS
    ],
)
def test_pickle_predicts_the_same(cls):
    make = (
        make_multitask_classification
        if is_classifier(cls())
        else make_multitask_regression
    )
    X, y, tasks = make(n_tasks=3, n_samples=15, n_features=6, random_state=0)
    model = for_checks(cls).fit(X, y, tasks)
    copy = pickle.loads(pickle.dumps(model))
    assert vars(copy).keys() == vars(model).keys()
    np.testing.assert_array_equal(copy.predict(X, tasks), model.predict(X, tasks))
    np.testing.assert_array_equal(copy.predict_all(X), model.predict_all(X))


@looped("cls", PREDICTORS)
def test_kind_of_estimator(cls):
    assert is_classifier(cls()) != is_regressor(cls())
    assert is_classifier(cls()) == cls.__name__.endswith(("Classifier", "ClassifierCV"))


@looped("cls", PREDICTORS)
def test_there_is_no_output_to_set(cls):
    """set_output is for transformers; predictions are arrays."""
    assert not hasattr(cls(), "set_output")
    assert not hasattr(cls(), "transform")


@looped("cls", PREDICTORS)
def test_not_fitted(cls):
    methods = ["predict", "predict_all"]
    methods += ["predict_proba", "decision_function"] * is_classifier(cls())
    for method in methods:
        with pytest.raises(NotFittedError):
            getattr(cls(), method)(np.ones((2, 2)))


# --- without metadata routing: the tasks in a column of X


def by_hand(model, frame, y, splits):
    """What a meta-estimator does, in a loop."""
    out = np.empty(len(y), dtype=np.asarray(y).dtype)
    scores = []
    for train, test in splits:
        fitted = clone(model).fit(frame.iloc[train], y[train])
        out[test] = fitted.predict(frame.iloc[test])
        scores.append(fitted.score(frame.iloc[test], y[test]))
    return out, scores


@pytest.mark.parametrize("model", [L21Regressor(0.05), L21Classifier(0.01)], ids=repr)
def test_cross_validation_functions(model, request):
    fixture = "classification" if is_classifier(model) else "regression"
    _, y, _, frame = request.getfixturevalue(fixture)
    model = clone(model).set_params(task_column="task")
    cv = TaskKFold(4, task_column="task")
    prediction, scores = by_hand(model, frame, y, cv.split(frame, y))
    np.testing.assert_array_equal(cross_val_predict(model, frame, y, cv=cv), prediction)
    np.testing.assert_array_equal(cross_val_score(model, frame, y, cv=cv), scores)
    # the scorer by name is the score: r2 over all rows, or the accuracy
    named = "accuracy" if is_classifier(model) else "r2"
    result = cross_validate(model, frame, y, cv=cv, scoring=named)
    np.testing.assert_array_equal(result["test_score"], scores)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "grid"),
    [
        (L21Regressor(), {"alpha": [3.0, 0.05, 0.01]}),
        (MultiTaskRegressor(TraceNorm()), {"penalty__alpha": [3.0, 0.05, 0.01]}),
        (
            MultiTaskRegressor(L21() + Ridge(0.01)),
            {"penalty__first__alpha": [3.0, 0.05, 0.01]},
        ),
        (MultiTaskRegressor(), {"penalty": [L21(3.0), L21(0.05), TraceNorm(0.01)]}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
@pytest.mark.parametrize("scoring", first([None, "r2"], 1))
def test_grid_search(model, grid, scoring, regression):
    _, y, _, frame = regression
    model = clone(model).set_params(task_column="task")
    cv = TaskKFold(4, task_column="task")
    search = GridSearchCV(model, grid, cv=cv, scoring=scoring).fit(frame, y)
    ((name, values),) = grid.items()
    means = [
        np.mean(
            by_hand(
                clone(model).set_params(**{name: value}),
                frame,
                y,
                cv.split(frame, y),
            )[1]
        )
        for value in values
    ]
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means)
    assert repr(search.best_params_[name]) == repr(values[int(np.argmax(means))])
    assert int(np.argmax(means)) > 0  # the first is too strong to be chosen
    assert search.predict(frame).shape == y.shape


def test_grid_search_without_taskkfold_says_what_to_do(regression):
    """Rows sorted by task and KFold: whole tasks are missing from training."""
    _, y, _, frame = regression
    search = GridSearchCV(
        L21Regressor(task_column="task"),
        {"alpha": [0.1]},
        cv=KFold(5),
        error_score="raise",
    )
    with pytest.raises(ValueError, match=r"pass cv=TaskKFold\(5\)"):
        search.fit(frame, y)


def test_pipeline_with_a_task_column(regression):
    X, y, tasks, frame = regression
    pipe = make_pipeline(
        TaskScaler(task_column="task"), L21Regressor(0.05, task_column="task")
    ).fit(frame, y)
    X_scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = L21Regressor(0.05).fit(X_scaled, y, tasks)
    np.testing.assert_allclose(
        pipe.predict(frame), expected.predict(X_scaled, tasks), rtol=1e-6
    )
    cv = TaskKFold(3, task_column="task")
    search = GridSearchCV(pipe, {"l21regressor__alpha": [1.0, 0.01]}, cv=cv)
    assert search.fit(frame, y).best_params_ == {"l21regressor__alpha": 0.01}


def test_transformed_target(regression):
    X, y, tasks, frame = regression
    model = TransformedTargetRegressor(
        L21Regressor(0.05, task_column="task"), transformer=StandardScaler()
    )
    model.fit(frame, y)
    z = (y - y.mean()) / y.std()
    inner = L21Regressor(0.05).fit(X, z, tasks)
    np.testing.assert_allclose(
        model.predict(frame), inner.predict(X, tasks) * y.std() + y.mean()
    )
    # and tasks handed through fit and predict parameters
    handed = TransformedTargetRegressor(
        L21Regressor(0.05), transformer=StandardScaler()
    )
    handed.fit(X, y, tasks=tasks)
    np.testing.assert_allclose(handed.predict(X, tasks=tasks), model.predict(frame))


def test_column_transformer_that_keeps_the_task_column(regression):
    X, y, tasks, frame = regression
    columns = ColumnTransformer(
        [
            ("task", "passthrough", ["task"]),
            ("rest", StandardScaler(), [f"x{j}" for j in range(6)]),
        ]
    )
    X_scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    expected = L21Regressor(0.05).fit(X_scaled, y, tasks).predict(X_scaled, tasks)
    # arrays of objects by position, DataFrames by name
    pipe = make_pipeline(columns, L21Regressor(0.05, task_column=0)).fit(frame, y)
    np.testing.assert_allclose(pipe.predict(frame), expected)
    pipe = make_pipeline(
        clone(columns).set_output(transform="pandas"),
        L21Regressor(0.05, task_column="task__task"),
    ).fit(frame, y)
    np.testing.assert_allclose(pipe.predict(frame), expected)
    assert pipe[-1].coef_feature_names_.tolist() == [f"rest__x{j}" for j in range(6)]


def test_permutation_importance(regression):
    _, y, _, frame = regression
    frame = frame.assign(noise=np.random.default_rng(0).standard_normal(len(y)))
    model = L21Regressor(0.3, task_column="task").fit(frame, y)
    result = permutation_importance(model, frame, y, n_repeats=3, random_state=0)
    unused = np.flatnonzero(np.all(model.coef_ == 0, axis=0)) + 1
    used = np.flatnonzero(np.any(model.coef_ != 0, axis=0)) + 1
    assert unused.size
    assert used.size
    np.testing.assert_array_equal(result.importances_mean[unused], 0.0)
    assert result.importances_mean[used].max() > 0
    assert result.importances_mean[0] > 0  # the task itself


def test_learning_curve(regression):
    _, y, _, frame = regression
    sizes, train, test = learning_curve(
        L21Regressor(0.01, task_column="task"),
        frame,
        y,
        cv=TaskKFold(4, task_column="task"),
        train_sizes=[0.5, 1.0],
        shuffle=True,
        random_state=0,
    )
    assert sizes.shape == (2,)
    assert train.shape == test.shape == (2, 4)
    assert np.all(np.isfinite(test))


# --- with metadata routing: the tasks beside X


def routed(model):
    return (
        model.set_fit_request(tasks=True)
        .set_predict_request(tasks=True)
        .set_score_request(tasks=True)
    )


@pytest.mark.usefixtures("routing")
def test_routing_through_a_pipeline(regression):
    X, y, tasks, _ = regression
    scaler = (
        TaskScaler(within_task=True)
        .set_fit_request(tasks=True)
        .set_transform_request(tasks=True)
    )
    pipe = Pipeline([("scale", scaler), ("model", routed(L21Regressor(0.05)))])
    pipe.fit(X, y, tasks=tasks)
    X_scaled = TaskScaler(within_task=True).fit(X, tasks=tasks).transform(X, tasks)
    expected = L21Regressor(0.05).fit(X_scaled, y, tasks)
    np.testing.assert_allclose(
        pipe.predict(X, tasks=tasks), expected.predict(X_scaled, tasks)
    )
    np.testing.assert_allclose(
        pipe.score(X, y, tasks=tasks), expected.score(X_scaled, y, tasks)
    )


@pytest.mark.usefixtures("routing")
@pytest.mark.parametrize("model", [L21Regressor(), L21Classifier()], ids=repr)
def test_routing_through_a_grid_search(model, request):
    fixture = "classification" if is_classifier(model) else "regression"
    X, y, tasks, _ = request.getfixturevalue(fixture)
    alphas = [10.0, 0.02]
    cv = TaskKFold(4)
    search = GridSearchCV(routed(clone(model)), {"alpha": alphas}, cv=cv)
    # groups go to the splitter, without being asked for
    search.fit(X, y, tasks=tasks, groups=tasks)
    means = []
    for alpha in alphas:
        scores = []
        for train, test in cv.split(X, y, tasks):
            fitted = clone(model).set_params(alpha=alpha)
            fitted.fit(X[train], y[train], tasks[train])
            scores.append(fitted.score(X[test], y[test], tasks[test]))
        means.append(np.mean(scores))
    np.testing.assert_allclose(search.cv_results_["mean_test_score"], means)
    assert search.best_params_ == {"alpha": 0.02}
    # or the splitter reads the tasks themselves
    cv = TaskKFold(4).set_split_request(groups="tasks")
    again = GridSearchCV(routed(clone(model)), {"alpha": alphas}, cv=cv)
    again.fit(X, y, tasks=tasks)
    np.testing.assert_array_equal(
        again.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(
        again.best_estimator_.predict(X, tasks),
        search.best_estimator_.predict(X, tasks),
    )


@pytest.mark.usefixtures("routing")
def test_routing_of_sample_weights(regression):
    X, y, tasks, _ = regression
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    model = L21Regressor(0.05).set_fit_request(tasks=True, sample_weight=True)
    pipe = Pipeline([("model", model.set_predict_request(tasks=True))])
    pipe.fit(X, y, tasks=tasks, sample_weight=weight)
    expected = L21Regressor(0.05).fit(X, y, tasks, weight)
    np.testing.assert_array_equal(
        pipe.predict(X, tasks=tasks), expected.predict(X, tasks)
    )


# --- what the meta-estimators make of missing tasks


@pytest.mark.parametrize("method", ["predict", "score", "proba", "decision"])
def test_prediction_without_tasks_asks_for_them(method, classification):
    X, y, tasks, _ = classification
    model = L21Classifier().fit(X, y, tasks)
    calls = {
        "predict": lambda: model.predict(X),
        "score": lambda: model.score(X, y),
        "proba": lambda: model.predict_proba(X),
        "decision": lambda: model.decision_function(X),
    }
    with pytest.raises(ValueError, match="fitted with tasks; pass tasks= with one"):
        calls[method]()


def test_prediction_with_tasks_of_a_model_of_one_task(regression):
    X, y, tasks, _ = regression
    model = L21Regressor(0.1).fit(X, y)
    with pytest.raises(ValueError, match="fitted without tasks; drop tasks="):
        model.predict(X, tasks)


def test_an_unknown_task_is_named(regression):
    X, y, tasks, frame = regression
    model = L21Regressor(0.1).fit(X, y, tasks)
    other = tasks.copy()
    other[5] = "t9"
    message = (
        r"tasks has the labels 't9', which L21Regressor has not seen in fit; "
        r"set handle_unknown='mean'.*pass cv=TaskKFold\(5\)"
    )
    with pytest.raises(ValueError, match=message):
        model.predict(X, other)
    column = L21Regressor(0.1, task_column="task").fit(frame, y)
    with pytest.raises(ValueError, match=message):
        column.predict(frame.assign(task=other))


# --- scores


def test_score_of_long_data_is_pooled(regression, classification):
    X, y, tasks, _ = regression
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    model = MeanRegularizedRegressor().fit(X, y, tasks)
    prediction = model.predict(X, tasks)
    assert model.score(X, y, tasks) == r2_score(y, prediction)
    np.testing.assert_allclose(
        model.score(X, y, tasks, weight), r2_score(y, prediction, sample_weight=weight)
    )
    X, y, tasks, _ = classification
    model = L21Classifier().fit(X, y, tasks)
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    prediction = model.predict(X, tasks)
    assert 0.5 < model.score(X, y, tasks) == accuracy_score(y, prediction) < 1
    np.testing.assert_allclose(
        model.score(X, y, tasks, weight),
        accuracy_score(y, prediction, sample_weight=weight),
    )


@pytest.mark.parametrize("classify", [False, True])
@pytest.mark.parametrize("weights", ["none", "rows", "labels"])
def test_score_of_wide_data_is_the_mean_over_tasks(classify, weights):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 4))
    Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((60, 3)) * [0.1, 1, 3]
    metric = r2_score
    if classify:
        Y, metric = (Y > 0).astype(float), accuracy_score
    Y[rng.random(Y.shape) < 0.3] = np.nan
    model = (L21Classifier() if classify else L21Regressor(0.01)).fit(X, Y)
    weight = {
        "none": None,
        "rows": rng.uniform(0.5, 2.0, 60),
        "labels": rng.uniform(0.5, 2.0, Y.shape),
    }[weights]
    full = np.ones(Y.shape) if weight is None else weight
    full = np.broadcast_to(full.reshape(60, -1), Y.shape)
    expected = []
    for t in range(3):
        seen = ~np.isnan(Y[:, t])
        expected.append(
            metric(Y[seen, t], model.predict(X)[seen, t], sample_weight=full[seen, t])
        )
    assert np.ptp(expected) > 0.05  # or any average would do
    score = model.score(X, Y, sample_weight=weight)
    np.testing.assert_allclose(score, np.mean(expected))
    # a task without a label in the test part does not count
    Y[:, 2] = np.nan
    score = model.score(X, Y, sample_weight=weight)
    np.testing.assert_allclose(score, np.mean(expected[:2]))


def test_a_task_with_one_label_to_score_has_no_r2():
    """It is left out, where the mean over tasks would have become NaN."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    model = L21Regressor(0.01).fit(X, Y)
    expected = r2_score(Y[:, 0], model.predict(X)[:, 0])
    Y[1:, 1] = np.nan
    assert model.score(X, Y) == expected
    with pytest.raises(ValueError, match="too few observed labels"):
        model.score(X[:1], Y[:1])


def test_score_leaves_missing_labels_of_long_data_out(regression):
    X, y, tasks, _ = regression
    model = L21Regressor(0.05).fit(X, y, tasks)
    y_missing = y.copy()
    y_missing[::4] = np.nan
    keep = ~np.isnan(y_missing)
    np.testing.assert_allclose(
        model.score(X, y_missing, tasks), model.score(X[keep], y[keep], tasks[keep])
    )


def test_score_of_string_labels_with_missing_ones(classification):
    X, y, tasks, _ = classification
    names = np.where(y == y.max(), "ill", "well").astype(object)
    model = L21Classifier().fit(X, names, tasks)
    expected = model.score(X[5:], names[5:], tasks[5:])
    names[:5] = None
    assert model.score(X, names, tasks) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_weight": np.ones(3)}, r"sample_weight.*expected \(120,\)"),
        ({"sample_weight": -np.ones(120)}, "sample_weight has 120 negative values"),
        ({"y": np.zeros(7)}, "120"),
        ({"y": np.full(120, np.nan)}, "too few observed labels to score"),
        ({"y": np.zeros((120, 2))}, "y has shape"),
    ],
)
def test_wrong_arguments_of_score(options, message, regression):
    X, y, tasks, _ = regression
    model = L21Regressor(0.05).fit(X, y, tasks)
    with pytest.raises(ValueError, match=message):
        model.score(**{"X": X, "y": y, "tasks": tasks, **options})


def test_wide_search_with_missing_labels(classification):
    """TaskKFold splits a wide Y with NaN where scikit-learn's splitters refuse it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 4))
    Y = (X @ rng.standard_normal((4, 3)) + rng.standard_normal((80, 3)) > 0).astype(
        float
    )
    Y[rng.random(Y.shape) < 0.3] = np.nan
    search = GridSearchCV(L21Classifier(), {"alpha": [1.0, 0.01]}, cv=TaskKFold(4))
    search.fit(X, Y)
    assert search.best_params_ == {"alpha": 0.01}
    assert np.all(np.isfinite(search.cv_results_["mean_test_score"]))
    assert search.predict(X).shape == Y.shape


def test_sparse_input_in_a_pipeline(regression):
    X, y, tasks, _ = regression
    codes = np.unique(tasks, return_inverse=True)[1]
    X = sparse.csr_array(np.column_stack([codes, np.where(np.abs(X) > 1, X, 0)]))
    pipe = make_pipeline(
        FunctionTransformer(accept_sparse=True), L21Regressor(0.05, task_column=0)
    )
    scores = cross_val_score(pipe, X, y, cv=TaskKFold(3, task_column=0))
    assert np.all(np.isfinite(scores))
    dense = cross_val_score(pipe, X.toarray(), y, cv=TaskKFold(3, task_column=0))
    np.testing.assert_allclose(scores, dense, rtol=1e-3)


# --- aliases: one penalty each


ALIASES = [cls for cls in PREDICTORS if issubclass(cls, Alias)]
PLAIN = [cls for cls in ALIASES if not cls.__name__.endswith("CV")]
ALIASES_CV = [cls for cls in ALIASES if cls.__name__.endswith("CV")]
plain_aliases = pytest.mark.parametrize("cls", PLAIN, ids=lambda c: c.__name__)


def several_tasks(classify):
    options = {"n_tasks": 4, "n_samples": (20, 30), "n_features": 6}
    return generated(classify, **options, random_state=3)


def penalty_of(cls):
    """The penalty of the name of an alias, with the defaults of the alias."""
    name = re.sub("(Regressor|Classifier)$", "", cls.__name__)
    given = cls().get_params()
    if name == "GraphRegularized":
        return GraphLaplacian(None, given["alpha"]) + Ridge(given["alpha_ridge"])
    if name == "AdaptiveRobust":
        tasks = several_tasks(is_classifier(cls()))[2]
        weight = np.sqrt(6 / np.unique(tasks, return_counts=True)[1])
        norm = TaskL21(given["alpha"], task_weight=weight)
        return Deviation(norm, given["alpha_mean"])
    penalty = getattr(linmtl.penalties, name)()
    names = penalty.get_params(deep=False)
    penalty.set_params(**{n: given[n] for n in names if n in given})
    # bounded penalties have a light ridge for classes that can be separated
    ridge = given.get("alpha_ridge", 0.0) if "alpha_ridge" not in names else 0.0
    return penalty + Ridge(ridge) if ridge else penalty


@plain_aliases
def test_an_alias_is_its_penalty(cls):
    """With the same defaults, but for strengths; which is all that an alias says."""
    classify = is_classifier(cls())
    X, y, tasks = several_tasks(classify)
    penalty = penalty_of(cls)
    model = cls().fit(X, y, tasks)
    generic = (MultiTaskClassifier if classify else MultiTaskRegressor)(penalty)
    generic.fit(X, y, tasks)
    np.testing.assert_allclose(model.coef_, generic.coef_, atol=1e-12)
    assert model.objective_ == pytest.approx(generic.objective_, rel=1e-12)
    assert np.any(model.coef_) or not classify  # 0.01 is weak enough to see something
    reported = {n for n in vars(generic) if n.endswith("_")}
    assert {n for n in vars(model) if n.endswith("_")} == reported


@plain_aliases
def test_defaults_of_aliases(cls):
    """Those of the penalty; weaker where there are several, and for classifiers."""
    name = re.sub("(Regressor|Classifier)$", "", cls.__name__)
    if name in ("AdaptiveRobust", "GraphRegularized", "MeanRegularized"):
        return  # 0.1 or 0.3, and a weak ridge
    own = cls().get_params()
    penalty = getattr(linmtl.penalties, name)().get_params(deep=False)
    several = "alpha" not in penalty
    factor = 0.01 if is_classifier(cls()) else 0.1 if several else 1.0
    for key, value in penalty.items():
        if key.startswith("alpha") and value > 0:
            assert own[key] == pytest.approx(factor * value)
        else:
            assert own[key] == value
    regressor = getattr(linmtl, f"{name}Regressor")
    theirs = set(regressor().get_params())
    of_loss = {name for name in theirs if name.startswith(("loss", *LOSSES))}
    assert set(own) - {"class_weight"} - of_loss == theirs - of_loss


@looped("cls", ALIASES_CV)
def test_parameters_of_cv_aliases(cls):
    """Those of the model without, but ``alpha``; the parameters of the search."""
    plain = getattr(linmtl, cls.__name__.removesuffix("CV"))
    search = {"alphas", "eps", "cv", "criterion", "selection", "n_jobs", "scoring"}
    search.add("scale_features")
    own = set(plain().get_params()) - {"alpha"}
    assert set(cls().get_params()) == own | search


@pytest.mark.parametrize("cls", ALIASES_CV, ids=lambda c: c.__name__)
@pytest.mark.slow
def test_best_params_make_the_model(cls):
    """What is reported, given to the model without search, is the model found."""
    X, y, tasks = several_tasks(is_classifier(cls()))
    search = for_checks(cls).set_params(tol=1e-7).fit(X, y, tasks)
    plain = getattr(linmtl, cls.__name__.removesuffix("CV"))
    names = set(plain().get_params()) & set(search.get_params())
    model = plain(**{name: getattr(search, name) for name in names})
    model.set_params(**search.best_params_).fit(X, y, tasks)
    assert abs(model.objective_ - search.objective_) <= 2e-6 * abs(model.objective_)
    np.testing.assert_allclose(model.coef_, search.coef_, atol=1e-3)
    if "alpha" in search.best_params_:
        assert search.best_params_["alpha"] == search.alpha_


DECOMPOSITIONS = [
    ("Dirty", {"norm": "linf"}, "alpha_shared", "alpha_own", Linf1(), L1()),
    ("Dirty", {"norm": "l2"}, "alpha_shared", "alpha_own", L21(), L1()),
    ("RobustFeatures", {}, "alpha_shared", "alpha_outlier", L21(), TaskL21()),
    ("RobustLowRank", {}, "alpha_rank", "alpha_outlier", TraceNorm(), TaskL21()),
    ("SparseLowRank", {}, "alpha_sparse", "alpha_rank", L1(), TraceNorm()),
]


@pytest.mark.parametrize(
    ("name", "given", "first", "second", "one", "other"),
    DECOMPOSITIONS,
    ids=lambda v: v if isinstance(v, str) else "",
)
@pytest.mark.parametrize("relative", [1.0, 3.0])
@pytest.mark.slow
def test_parts_are_balanced(name, given, first, second, one, other, relative):
    """At 1 both parts leave zero at one factor; at 0.7 the second does earlier."""
    X, y, tasks = several_tasks(False)
    tops = [alpha_max(X, y, tasks, penalty=penalty) for penalty in (one, other)]
    cls = getattr(linmtl, f"{name}RegressorCV")
    model = cls(alphas=3, eps=0.1, cv=3, **{first: relative}, **given).fit(X, y, tasks)
    assert model.mse_path_.shape == (3, model.alphas_.shape[1], 3)
    np.testing.assert_allclose(
        model.alphas_[:, 0], tops[0] / relative / np.array([0.7, 1.0, 1.0]), rtol=1e-9
    )
    best = model.best_params_
    assert best[first] == pytest.approx(model.alpha_ * relative)
    ratio = best[second] / best[first] * tops[0] / tops[1]
    assert min(abs(ratio - np.array([0.7, 1.0, 1.4]))) < 1e-9
    assert model.get_params()[second] is None
    # the values written out are the same search
    values = relative * tops[1] / tops[0] * np.array([0.7, 1.0, 1.4])
    model.set_params(**{second: values})
    again = clone(model).fit(X, y, tasks)
    np.testing.assert_allclose(again.mse_path_, model.mse_path_, rtol=1e-6)
    assert again.best_params_ == pytest.approx(best)


def test_a_constant_target_balances_nothing():
    X, _, tasks = several_tasks(False)
    model = linmtl.DirtyRegressorCV(alphas=2, cv=3).fit(X, np.ones(len(X)), tasks)
    assert model.mse_path_.shape == (2, 3)
    assert not model.coef_.any()


def test_a_bound_is_not_balanced():
    """With a bound on the trace norm the strength of the low-rank part has no use."""
    X, y, tasks = several_tasks(False)
    model = linmtl.SparseLowRankRegressorCV(
        alphas=[1.0, 0.1], cv=3, max_trace=2.0, alpha_sparse=2.0
    ).fit(X, y, tasks)
    assert model.mse_path_.shape == (2, 3)
    assert model.best_params_["alpha_sparse"] == 2.0 * model.alpha_
    low_rank = model.coef_components_["low_rank"]
    assert np.linalg.norm(low_rank, "nuc") <= 2.0 * (1 + 1e-6)


@pytest.mark.slow
def test_a_grid_over_two_parameters_is_a_loop():
    X, y, tasks = several_tasks(False)
    options = {"alphas": [1.0, 0.1], "cv": 3, "tol": 1e-6}
    grid = {"n_clusters": [1, 3], "eta": [0.1, 1.0, 5.0]}
    model = linmtl.ClusteredRegressorCV(**grid, **options).fit(X, y, tasks)
    assert model.mse_path_.shape == (6, 2, 3)
    assert model.alphas_.shape == (6, 2)
    each = [
        linmtl.ClusteredRegressorCV(n_clusters=k, eta=eta, **options).fit(X, y, tasks)
        for eta in grid["eta"]
        for k in grid["n_clusters"]
    ]
    np.testing.assert_allclose(model.mse_path_, [m.mse_path_ for m in each])
    best = min(each, key=lambda m: m.mse_path_.mean(axis=1).min())
    assert model.best_params_ == best.best_params_
    assert isinstance(model.best_params_["n_clusters"], int)
    np.testing.assert_array_equal(model.labels_, best.labels_)


def test_strengths_beside_that_of_a_graph():
    """They are no part of what ``alphas`` multiplies."""
    X, y, tasks = several_tasks(False)
    model = linmtl.GraphRegularizedRegressorCV(
        alphas=4, cv=3, alpha_l1=[0.0, 0.3], alpha_ridge=0.01, tol=1e-9
    ).fit(X, y, tasks)
    without = linmtl.GraphRegularizedRegressorCV(alphas=4, cv=3, alpha_ridge=0.01)
    without.fit(X, y, tasks)
    np.testing.assert_array_equal(model.alphas_, [without.alphas_, without.alphas_])
    np.testing.assert_allclose(model.mse_path_[0], without.mse_path_, rtol=1e-3)
    assert np.abs(model.mse_path_[1] / without.mse_path_ - 1).min() > 1e-3
    penalty = GraphLaplacian(None, 0.5) + Ridge(0.01) + L1(0.3)
    expected = MultiTaskRegressor(penalty, tol=1e-10).fit(X, y, tasks)
    found = linmtl.GraphRegularizedRegressor(
        alpha=0.5, alpha_ridge=0.01, alpha_l1=0.3, tol=1e-10
    ).fit(X, y, tasks)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-6)
    assert np.any(found.coef_ == 0)


@pytest.mark.parametrize(
    ("cls", "params", "error", "message"),
    [
        ("DirtyRegressorCV", {"alpha_shared": "x"}, TypeError, "alpha must be|number"),
        ("DirtyRegressorCV", {"alpha_own": -1.0}, ValueError, "finite number >= 0"),
        ("DirtyRegressorCV", {"norm": "l3"}, ValueError, "norm must be one of"),
        ("ClusteredRegressorCV", {"eta": [1.0, 0.0]}, ValueError, "eta must be"),
        ("MCPRegressorCV", {"gamma": [3.0, "x"]}, (TypeError, ValueError), "gamma"),
        ("GraphRegularizedRegressorCV", {"alpha_l1": -1.0}, ValueError, ">= 0"),
        ("GraphRegularizedRegressor", {"alpha_l1": "x"}, TypeError, "must be a number"),
    ],
)
def test_wrong_parameters_of_aliases(cls, params, error, message):
    X, y, tasks = several_tasks(False)
    model = getattr(linmtl, cls)(**params)
    if cls.endswith("CV"):
        model.set_params(alphas=2, cv=3)
    with pytest.raises(error, match=message):
        model.fit(X, y, tasks)


@pytest.mark.parametrize(
    "name", ["FusedSparseGroup", "TemporalGroup", "NonconvexFusedGroup"]
)
def test_ordered_aliases_demand_an_order(name, regression):
    X, y, tasks, _ = regression
    for cls in (f"{name}Regressor", f"{name}RegressorCV"):
        model = getattr(linmtl, cls)()
        if cls.endswith("CV"):
            model.set_params(alphas=2, cv=3)
        with pytest.raises(ValueError, match=r"order of the tasks.*task_order"):
            model.fit(X, y, tasks)
        order = np.unique(tasks)[::-1]
        model.set_params(task_order=order).fit(X, y, tasks)
        np.testing.assert_array_equal(model.tasks_, order)
    model = getattr(linmtl, f"{name}Regressor")().fit(X, y, tasks == order[0])
    np.testing.assert_array_equal(model.tasks_, [False, True])


@pytest.mark.slow
def test_attributes_of_aliases():
    X, y, tasks = several_tasks(False)
    for cls in (linmtl.RobustFeaturesRegressor, linmtl.RobustFeaturesRegressorCV):
        model = cls()
        if hasattr(model, "alphas"):
            model.set_params(alphas=3, cv=3)
        model.fit(X, y, tasks)
        parts = model.coef_components_
        assert set(parts) == {"shared", "outlier"}
        np.testing.assert_allclose(sum(parts.values()), model.coef_, atol=1e-12)
        used = model.tasks_[parts["outlier"].any(axis=1)]
        np.testing.assert_array_equal(model.outlier_tasks_, used)
    model = linmtl.TaskRelationshipRegressor().fit(X, y, tasks)
    np.testing.assert_allclose(np.trace(model.task_covariance_), 1.0)
    np.testing.assert_allclose(np.diag(model.task_correlation_), 1.0)
    model = linmtl.SharedStructureRegressor(3).fit(X, y, tasks)
    gram = model.components_ @ model.components_.T
    np.testing.assert_allclose(gram, np.eye(3), atol=1e-12)
