"""Constructors and docstrings of the estimators: what they share is written once."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar, dataclass_transform

from linmtl.estimators._fill import fill
from linmtl.losses import LOSSES, Parameter

_TEXTS = {
    "parameters": """\
fit_intercept : bool, default=True
    Whether each task has an intercept, which only an ``intercept_weight`` penalises.
task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
    Weight lambda_t of each task's mean loss: 1 each, or given by task label or in the
    order of ``tasks_``. "n_samples": proportional to the sum of its sample weights
    (mean 1), so that every sample counts the same. "null_loss": one over its loss
    without coefficients, so that losses are relative. "minimax": the largest relative
    loss is minimised, smoothed; the sum of the losses is replaced by
    ``0.05 log(mean_t exp(loss_t / null_t / 0.05))``. "uncertainty" (regression): one
    over its noise level, which is estimated too; the same as ``loss="sqrt"``.
feature_mask : array-like or DataFrame of bool of shape (n_features, n_tasks), \
default=None
    Which features each task has, tasks in the order of ``tasks_``; a DataFrame goes by
    the names of the features and the labels of the tasks. What X holds of the others
    does not matter. None: those that are not NaN in every row of the task.
task_column : str or int, default=None
    The column of X that holds the task labels (name or position), instead of
    ``tasks=``; for whatever calls ``predict(X)`` alone.
task_order : array-like, default=None
    The order of the tasks; sorted by default. Not for wide Y, whose columns are the
    tasks.
handle_unknown : {"error", "mean"}, default="error"
    What to do when predicting for a task not seen in fit: raise an error that names
    it, or use the mean of the tasks' models.
solver : {"auto", "apg", "working_set", "prox_newton", "admm", "second_order", \
"network", "direct", "newton", "cg"}, default="auto"
    Accelerated proximal gradient (any penalty); coordinate descent on working sets
    (L1 and L21 penalties, squared loss) and inside Newton steps (other losses);
    alternating directions (other norms and decompositions, squared loss) and inside
    Newton steps (other losses); an augmented Lagrangian method (`NetworkLasso`); linear
    systems (quadratic penalties, squared loss), Newton's method (other losses) and
    conjugate gradients (sparse X). The default is the fastest that applies.
max_iter : int, default=10000
    Iterations at most.
tol : float, default=1e-4
    Stop when the duality gap is at most ``tol`` times the objective of the null model
    (no coefficients, best intercepts).
warm_start : bool, default=False
    Start from the last solution, matched by task label; ``fit(coef_init=)`` starts from
    coefficients of your own.
verbose : int, default=0
    If positive, print a line at each certificate.""",
    "class_weight": """\
class_weight : None, "balanced" or dict, default=None
    What sample weights are multiplied by: nothing; within each task
    ``n_t / (K_t n_tc)``, with n the sums of its sample weights and those of the class,
    and K_t the number of its classes; or a number by class label (1 where there is
    none).""",
    "attributes": """\
coef_ : ndarray of shape (n_tasks, n_features)
    Coefficients. For one task (1-D y without tasks): (n_features,) for regressors and
    (1, n_features) for classifiers.
intercept_ : ndarray of shape (n_tasks,)
    Intercepts; a float for a regressor with one task (1-D y without tasks).
tasks_ : ndarray of shape (n_tasks,)
    Task labels.
task_weight_ : ndarray of shape (n_tasks,)
    Weight of each task's mean loss in the objective, or in its gradient at the solution
    where weights are found at the same time; zero for a task left out, NaN for one
    whose noise level is zero.
feature_mask_ : ndarray of bool of shape (n_tasks, n_features)
    Which features each task has; only where some do not have all. Coefficients of the
    others are zero.
new_tasks_ : dict
    What ``fit_new_task`` used for each task that it added, ``how`` and ``alpha`` by
    task label; where there are such tasks.
objective_ : float
    The objective at the solution.
dual_gap_ : float
    Duality gap: the objective is at most this far from the optimum.
gap_history_ : ndarray of shape (n_certificates, 2)
    Iteration and duality gap at each certificate; of the last stage, for a penalty
    that is not convex.
tol_ : float
    The absolute tolerance used for the gap.
converged_ : bool
    Whether ``dual_gap_ <= tol_``.
n_iter_ : int
    Iterations.
solver_ : str
    The solver used.
n_features_in_ : int
    Number of columns of X in fit, the task column included.
feature_names_in_ : ndarray of shape (n_features_in_,)
    Names of the columns of X, where they have names.
coef_feature_names_ : ndarray of shape (n_features,)
    Names of the columns of ``coef_``, where they have names.""",
    "found": """\
coef_components_ : dict of ndarray of shape (n_tasks, n_features)
    The parts of which the coefficients are the sum; only with a decomposition.
stage_objectives_ : ndarray of shape (n_stages,)
    The objective after each stage; only with a penalty that is not convex.
components_, labels_, outlier_tasks_, task_relation_ : ndarray
    What some penalties find besides; see the estimators of each.
task_covariance_, task_correlation_ : ndarray of shape (n_tasks, n_tasks)
    The same.""",
    "around": """\
around : {"zero", "mean"}, default="zero"
    What the penalty draws the tasks to: coefficients of zero, or a common model m that
    is found at the same time. The penalty then is on ``W - m 1'``
    (:class:`linmtl.penalties.Deviation`). Estimators with a search also take a list,
    and choose.
alpha_mean : float, default=0.0
    With ``around="mean"``, strength of a ridge on m, ``alpha_mean / 2 * T ||m||^2``; at
    0 it is free.
intercept_weight : float, default=0.0
    With ``around="mean"``, factor >= 0 on ``alpha`` of a ridge on what the intercepts
    differ from their mean; 0 leaves them free.""",
    "drawn": """\
coef_mean_ : ndarray of shape (n_features,)
    The common model m; only with ``around="mean"``, as are the parts "mean" and
    "deviation" in ``coef_components_``.""",
    "refit": """\
refit : bool or float, default=False
    Fit the coefficients that are not zero once more, without the penalty: True for no
    penalty at all (classifiers: a light ridge, since the classes may be separable), a
    number for a ridge of that strength. Of more than two classes a feature that a task
    uses for one is fitted for all of them. ``objective_``, ``dual_gap_``, parts of the
    coefficients and the like are those of the penalised problem.""",
    "refitted": """\
coef_before_refit_ : ndarray of the shape of coef_
    The solution of the penalised problem; only with ``refit``.""",
    "classes": """\
classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
    The class labels, over all tasks. A list for a wide Y, as scikit-learn has it for
    several outputs; its arrays are those of all tasks. Of more than two classes
    ``coef_`` is (n_tasks, n_classes, n_features) and ``intercept_`` (n_tasks,
    n_classes), NaN where a task has never shown a class, and without the first axis
    for one task (1-D y without tasks).""",
    "squared_symbols": (
        "with sample weights s_i, their sum S_t over task t, and task weights lambda_t."
    ),
    "logistic_symbols": """\
with sample weights s_i, their sum S_t over task t, and task weights lambda_t.
y_i is +1 for the second class and -1 for the first. Of more than two classes W has a
column for each class of each task, and the loss of a row is the multinomial one,
``log(sum_k exp(eta_ik)) - eta_iy``.""",
    "ordinal_parameters": """\
class_order : array-like of shape (n_classes,), default=None
    The classes from the lowest to the highest. By default the order of an ordered
    categorical y (or of columns of a wide one), else sorted; a warning names words,
    whose order is hardly that of the alphabet.
fit_intercept : bool, default=True
    Thresholds take the place of intercepts: True.
task_weight : None, str, dict or array-like of shape (n_tasks,), default=None
    Weight lambda_t of each task's mean loss: 1 each, "n_samples" or "null_loss", or
    given, as for `MultiTaskClassifier`.
handle_unknown : {"error"}, default="error"
    Tasks that were not seen in fit have no thresholds.""",
    "ordinal": """\
thresholds_ : ndarray of shape (n_tasks, n_classes - 1)
    The thresholds c between each two classes of ``class_order_``, and ``coef_`` is
    positive where a feature speaks for the higher ones. Two are equal where a task has
    never shown the class between them; those beyond the classes that it has shown go by
    the other tasks.
class_order_ : ndarray of shape (n_classes,)
    The class labels from the lowest to the highest, over all tasks.
classes_ : ndarray of shape (n_classes,), or a list of n_tasks such arrays
    The same, sorted, as scikit-learn's scorers take the columns of ``predict_proba``. A
    list for a wide Y.""",
    "cv": """\
Every task is in every training part, with two rows where it has them (an intercept
takes one); a task with fewer rows than folds is always in training, unless no task has
more. A setting is judged by the mean over the tasks, weighted by ``task_weight``, of
the held-out loss.""",
    "cv_parameters": """\
alphas : int or array-like, default=100
    Number of strengths to try, or the strengths. A grid of a number of strengths is
    extended, by six decades at most, while the best of them lies at its end and the
    held-out loss still falls there; strengths that are passed are not. A warning says
    where the best one is at an end all the same.
eps : float, default=1e-3
    The smallest strength as a fraction of the largest, with a number of alphas.
cv : int, splitter or iterable of (train, test), default=5
    Number of folds, drawn within the tasks as by ``TaskKFold(cv, shuffle=True,
    random_state=0)`` (stratified by class for classifiers); or the folds. "loo" leaves
    out one observation at a time (of a wide Y one row), told from the fit of all:
    exactly for the squared loss with quadratic penalties, to about a percent for L1,
    L21 and trace norms and other losses. Models are fitted without each observation
    where that does not hold: for other penalties, for the best strengths if more than a
    tenth as many features are in use as there are observations, and for all where these
    are few (up to 50). Mean-regularised regressors also take ``LeaveOneTaskOut()``: the
    strength at which the mean of the others predicts a task best.
criterion : {"aic", "bic", "gcv"}, default=None
    What chooses the strength in place of held-out losses: Akaike's or the Bayesian
    information criterion or generalised cross-validation, with Stein's degrees of
    freedom. For penalties of which "loo" takes one fit.
selection : {"min", "1se"}, default="min"
    The strength with the lowest held-out loss, or the strongest within one
    standard error of it.
scoring : str, callable or scorer, default=None
    What the strength is chosen by, in place of the held-out loss: the name of a scorer
    of scikit-learn ("roc_auc"), a metric (a function of labels and predictions), or
    what :func:`linmtl.metrics.make_task_scorer` returns. Each task is scored on its
    held-out rows of all folds together; a task that does not define the metric is left
    out of the average.
scale_features : bool or "auto", default="auto"
    Whether strengths are relative to the features' own scale: features are divided by
    their spread within the tasks (``feature_scale_``), while coefficients are those of
    X as passed. "auto": where X is dense and spreads differ by more than a factor of
    10.
n_jobs : int, default=None
    Folds fitted at the same time, by joblib. A worker that is killed is an error with
    its default backend; ``multiprocessing`` waits for it.""",
    "chosen_penalty": """\
penalty : Penalty, default=None
    A penalty of `linmtl.penalties` or a sum of them; None stands for ``L21()``. Its
    ``alpha`` is chosen; in a sum, a factor on all strengths.
param_grid : dict or list of dict, default=None
    Values to try for other parameters of the penalty, such as
    ``{"alpha_mean": [0, 0.01]}`` or ``{"first__alpha": [0.1, 1, 10]}`` (the ratio, in a
    sum). The arrays below then have a leading axis for them.""",
    "chosen": """\
penalty_ : Penalty
    The penalty with the parameters and strengths that were chosen.""",
    "cv_attributes": """\
alpha_ : float
    The strength chosen.
alphas_ : ndarray of shape (n_alphas,) or (n_settings, n_alphas)
    The strengths tried, decreasing. Where several values of other parameters are tried,
    too, a row for each combination, in the order of scikit-learn's ``ParameterGrid``;
    the paths below have that axis in front as well.
at_bound_ : bool
    Whether the best strength is at an end of those tried, and a better one is likely to
    lie beyond.
degrees_of_freedom_ : float
    Those of the model chosen, by Stein's formula, intercepts included; only with a
    criterion or ``cv="loo"``, where they are known.
criterion_path_ : ndarray of shape (n_alphas,)
    The criterion, less is better; in place of held-out losses.
feature_scale_ : ndarray of shape (n_features,)
    What the features were divided by; ones, where they were not scaled. The plain
    estimator with ``best_params_`` finds the same model in ``X / feature_scale_``, with
    ``coef_ * feature_scale_``.
best_params_ : dict
    The parameters of the penalty that were chosen, and those that are not the default
    of the plain estimator.""",
    "squared_path": """\
mse_path_ : ndarray of shape (n_alphas, n_folds)
    Held-out mean squared error, averaged over the tasks.
task_mse_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
    The same for each task; NaN where it has nothing held out.""",
    "sqrt_path": """\
rmse_path_ : ndarray of shape (n_alphas, n_folds)
    Held-out root mean squared error, averaged over the tasks.
task_rmse_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
    The same for each task; NaN where it has nothing held out.""",
    "logistic_path": """\
scores_path_ : ndarray of shape (n_alphas, n_folds)
    Held-out mean log-likelihood, averaged over the tasks; with ``scoring``, for every
    loss, the scores, in a single fold.
task_scores_path_ : ndarray of shape (n_alphas, n_folds, n_tasks)
    The same for each task; NaN where it has nothing held out.""",
}
_TEXTS |= {
    name: f"sum_t lambda_t / S_t * sum_{{i in t}} s_i {loss.formula}"
    for name, loss in LOSSES.items()
}
_ROOTS = "The root of the mean squared residual of a task, see `CalibratedRegressor`."

ESTIMATORS: dict[str, type] = {}  # all of them by name, as their files are imported
T = TypeVar("T", bound=type)
F = TypeVar("F", bound=Callable[..., Any])


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
def parameters(cls: T) -> T:
    """Make the annotated names of a base class keyword-only parameters.

    With ``loss`` come the parameters of the losses.
    """
    own = vars(cls).get("__annotations__", {})
    if "loss" in own:
        found = parameters_of(cls._losses)
        cls.__annotations__ = own | {name: p.kind for name, p in found.items()}
        for name, p in found.items():
            setattr(cls, name, p.default)
    return dataclass(kw_only=True, eq=False, repr=False)(cls)


@dataclass_transform(field_specifiers=(field,))
def estimator(cls: T) -> T:
    """Make the annotated names of an estimator parameters, and write its docstring.

    They are positional in the order written, before the keyword-only ones that it
    inherits. In the docstring ``{parameters}`` and the like are filled in; that of a
    member of a family is one line, and the rest comes from the family: an alias's
    (`linmtl.estimators._alias`), or a base with texts of its own in ``_texts``, which
    replace the common ones. Sections of a member replace those of the family.
    """
    cls = dataclass(eq=False, repr=False)(cls)
    marks = {"_penalty", "_texts"}
    family = next((base for base in cls.__mro__ if marks & vars(base).keys()), None)
    texts = _TEXTS | getattr(family, "_texts", {})
    template = inspect.cleandoc(cls.__doc__ or "")
    names = [f.name for f in fields(cls)]
    if "loss" in names:
        of_loss = [_loss_parameter(cls._losses), *_parameters_of_losses(cls._losses)]
        texts["parameters"] = "\n".join([*of_loss, texts["parameters"]])
        texts[f"{cls._losses[0]}_path"] += _other_paths(cls._losses)
    if "class_weight" in names:
        texts["parameters"] = f"{texts['class_weight']}\n{texts['parameters']}"
    if "around" in names:
        texts["parameters"] = f"{texts['around']}\n{texts['parameters']}"
        texts["attributes"] += f"\n{texts['drawn']}"
    if "refit" in names:
        texts["parameters"] = f"{texts['refit']}\n{texts['parameters']}"
        texts["attributes"] += f"\n{texts['refitted']}"
    section = template.partition("Parameters\n")[2].partition("\n\n")[0]
    section = fill(section, texts | {"parameters": "", "cv_parameters": ""})
    if family is not None:
        section += "\n" + _sections(family)[1].get("Parameters", "")
    own = [name for name, _ in _entries(section)]  # what it says itself
    for key in ("parameters", "cv_parameters"):
        common = _entries(texts[key])
        texts[key] = "\n".join(e for name, e in common if name not in own)
    if family is not None:
        texts.update(_family_texts(cls, family, texts))
        template = _MEMBER_CV if cls.__name__.endswith("CV") else _MEMBER
    document = fill(template, texts)
    while "\n\n\n" in document:  # a text may be empty
        document = document.replace("\n\n\n", "\n\n")
    cls.__doc__ = document.replace("---\n\n", "---\n").strip()
    order_parameters(cls)
    ESTIMATORS[cls.__name__] = cls
    return cls


def takes_loss(names: Sequence[str], text: str = "The loss.") -> Callable[[F], F]:
    """Return a decorator of functions that take ``loss`` and its parameters.

    The parameters replace a last ``**of_loss`` in the signature, and their texts
    ``{loss}`` in the docstring, where ``text`` is that of the loss itself.
    """
    found = parameters_of(names)

    def decorate(function):
        texts = [_loss_entry(names, text), *_parameters_of_losses(names)]
        document = inspect.cleandoc(function.__doc__)
        function.__doc__ = fill(document, {"loss": "\n".join(texts)})
        signature = inspect.signature(function)
        *shown, last = signature.parameters.values()
        place = 1 + [p.name for p in shown].index("loss")
        shown[place:place] = [
            inspect.Parameter(
                name, last.KEYWORD_ONLY, default=p.default, annotation=p.kind
            )
            for name, p in found.items()
        ]
        function.__signature__ = signature.replace(parameters=shown)
        return function

    return decorate


def losses_told(names: Sequence[str], text: str) -> str:
    """Return the entries of ``loss``, which defaults to None, and its parameters.

    Parameters
    ----------
    names : sequence of str
        The losses.
    text : str
        What ``loss`` is.
    """
    allowed = ", ".join(f'"{name}"' for name in names)
    entry = f"loss : {{{allowed}}}, default=None\n{_indented(text)}"
    return "\n".join([entry, *_parameters_of_losses(names)])


def parameters_of(names: Sequence[str]) -> dict[str, Parameter]:
    """Return the parameters of some losses, by their names in estimators."""
    kinds = [LOSSES[name] for name in names if name in LOSSES]
    return {name: p for kind in kinds for name, p in kind.parameters().items()}


def _parameters_of_losses(names):
    """Return what is said of the parameters of losses."""
    return [
        f"{name} : {p.kind}, default={_shown(p.default)}\n{_indented(p.about)}"
        for name, p in parameters_of(names).items()
    ]


def _loss_entry(names, text):
    allowed = ", ".join(f'"{name}"' for name in names)
    return f'loss : {{{allowed}}}, default="{names[0]}"\n{_indented(text)}'


def _indented(text):
    return textwrap.fill(
        text,
        width=84,
        initial_indent="    ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )


def _loss_parameter(names):
    """Return what is said of ``loss``, from what each loss says of itself."""
    each = [
        f'"{name}": {LOSSES[name].about if name in LOSSES else _ROOTS}'
        for name in names
    ]
    return _loss_entry(names, " ".join(["The loss of an observation.", *each]))


def _other_paths(names):
    """Return what is said of the paths of losses that are not the default."""
    by_path = {}
    for name in names[1:]:
        if name in LOSSES:
            by_path.setdefault(LOSSES[name].score.path, []).append(name)
    return "".join(
        f"\n{path}, task_{path} : ndarray\n"
        + _indented(
            "In their place with "
            + "; ".join(f'``loss="{n}"``: the mean {LOSSES[n].score.name}' for n in own)
            + "."
        )
        for path, own in by_path.items()
    )


def order_parameters(cls: type) -> None:
    """Show the parameters of the constructor in the order of the docstring.

    Those by keyword would come in the order of the bases that they are from.
    """
    section = (cls.__doc__ or "").partition("Parameters\n")[2].partition("\n\n")[0]
    documented = ["self", *re.findall(r"^(\w+) : ", section, re.MULTILINE)]
    init: Any = vars(cls)["__init__"]
    signature = inspect.signature(init)
    ordered = sorted(
        signature.parameters.values(), key=lambda p: documented.index(p.name)
    )
    init.__signature__ = signature.replace(parameters=ordered)


def chosen(section: str, *names: str) -> str:
    """Return what the texts above say of these parameters or attributes."""
    entries = dict(_entries(_TEXTS[section]))
    return "\n".join(entries[name] for name in names)


_MEMBER = """\
{summary}

{about}

Parameters
----------
{own_parameters}
{parameters}

Attributes
----------
{own_attributes}{attributes}

See Also
--------
{see_also}

{notes}

{references}

Examples
--------
{examples}
"""
_SEE_ALSO = """\
{other} : The same penalty for {other_kind}.
{name}CV : With {strength} chosen by cross-validation.
{generic} : Any penalty."""

_MEMBER_CV = """\
{summary}

{cv}

{axis}

Parameters
----------
{own_parameters}
{cv_parameters}
{parameters}

Attributes
----------
{cv_attributes}
{path}
{own_attributes}{attributes}

See Also
--------
{plain} : With {given}; the objective and its symbols.

Examples
--------
{examples}
"""
_EXAMPLE = """\
>>> from linmtl import {name}
>>> from linmtl.datasets import {make}
>>> X, y, tasks = {make}({size}random_state=0)
>>> model = {name}({search}).fit(X, y, tasks)
>>> model.coef_.shape
(10, 20)"""
_HEADING = re.compile(r"^(\w[\w ]*)\n-{3,}\n", re.MULTILINE)


def _sections(cls):
    """Return what a docstring begins with, and its sections by title."""
    about, *parts = _HEADING.split(inspect.cleandoc(cls.__doc__))
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return about.strip(), {title: text.strip() for title, text in pairs}


def _family_texts(cls, family, common):
    """Return what the templates above need for one member of a family."""
    name, loss = cls.__name__, cls._losses[0]
    searches = name.endswith("CV")
    classify = cls._classify
    summary, sections = _sections(cls)
    about, of_family = _sections(family)
    sections = of_family | sections
    defaults = {f.name: _shown(f.default) for f in fields(cls)}
    grid, second = getattr(cls, "_grid", ()), getattr(cls, "_second", None)
    own = [
        _in_grid(entry, defaults[key], cls if key == second else None)
        if key in grid
        else entry
        for key, entry in _entries(sections["Parameters"])
        if key in defaults
    ]
    relative = "alpha" not in dict(_entries(sections["Parameters"]))
    texts = {
        "loss": common[loss],
        "symbols": common[f"{loss}_symbols"],
        "summary": summary,
        "name": name,
        "kind": _KINDS[not classify],
        "plain": name.removesuffix("CV"),
        "other": name.replace(*(_KINDS if classify else reversed(_KINDS))),
        "other_kind": "regression" if classify else "two classes",
        "generic": "MultiTaskClassifier" if classify else "MultiTaskRegressor",
        "make": f"make_multitask_{'classification' if classify else 'regression'}",
        "strength": "the strengths" if relative else "``alpha``",
        "given": "given strengths" if relative else "a given ``alpha``",
        "path": common[f"{loss}_path"],
        "axis": _axis(grid, relative),
        "search": "alphas=3, eps=0.1, cv=3" if searches else "",
        "own_parameters": fill("\n".join(own), defaults),
    }
    if relative:
        texts["cv_attributes"] = _TEXTS["cv_attributes"].replace("strength", "factor")
    # with few samples some penalties do best without coefficients
    texts["size"] = "n_samples=200, " if searches and classify else ""
    texts["about"] = fill(about, texts)
    attributes = fill(sections.get("Attributes", ""), texts)
    own = _joined(common["classes"] if classify else "", attributes)
    texts["own_attributes"] = f"{own}\n" if own else ""
    texts["see_also"] = fill(sections.get("See Also", _SEE_ALSO), texts)
    for title in ("Notes", "References"):
        text = fill(sections.get(title, ""), texts)
        texts[title.lower()] = f"{title}\n{'-' * len(title)}\n{text}" if text else ""
    shown = sections.get("Examples", "")
    if not shown.startswith(">>>"):
        more = "" if searches else re.sub("(.+) -> (.+)", r">>> \1\n\2", shown)
        shown = _joined(_EXAMPLE, more)
    texts["examples"] = fill(shown, texts)
    return texts


_KINDS = ("Classifier", "Regressor")


def _joined(*texts):
    return "\n".join(text for text in texts if text)


def _entries(section):
    """Yield name and text of each parameter of a section."""
    for entry in re.split(r"\n(?=\w)", section):
        yield entry.split(" : ")[0], entry


def _shown(default):
    return f'"{default}"' if isinstance(default, str) else repr(default)


def _in_grid(entry, default, of_second):
    """Return the text of a parameter of which several values may be tried."""
    head, _, rest = entry.partition("\n")
    head = re.sub(r" : (\w+)", r" : \1 or array-like", head)
    if of_second is not None:
        *factors, last = map(_factor, of_second._factors)
        values = (
            f"Or the values to try; None stands for {', '.join(factors)} and {last} "
            f"times the largest\n    {of_second._unit}, and for further ones where the "
            "best of them is at\n    an end."
        )
    elif default == "None":
        values = (
            "Or the values to try; None stands for 0.7, 1 and 1.4 times the value "
            "at\n    which both parts leave zero at the same factor."
        )
    else:
        values = "Or the values to try."
    return f"{head}\n{rest}\n    {values}"


def _factor(value: float) -> str:
    return f"{value:.0e}".replace("e-0", "e-") if value < 0.1 else f"{value:g}"


def _axis(grid, relative):
    """Return what is said of relative strengths and of lists of values."""
    paragraphs = []
    if relative:
        paragraphs.append(
            "The strengths are relative: ``alphas`` are factors on all of them, and\n"
            "``best_params_`` holds the products."
        )
    if grid:
        names = " or ".join(f"``{name}``" for name in grid)
        paragraphs.append(
            f"With several values of {names}\n"
            "the paths and ``alphas_`` have a leading axis for them."
        )
    return "\n\n".join(paragraphs)
