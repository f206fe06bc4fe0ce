"""
Text: reviews of four departments
=================================

Is a review good? Words mean the same in most departments, but not all: a thriller may
be *dark*, a lamp should not. Counts of words are sparse, and stay so.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from linmtl import IndependentClassifier, MeanRegularizedClassifierCV

rng = np.random.default_rng(0)
good = ["great", "lovely", "excellent", "happy", "perfect", "recommend"]
bad = ["broken", "terrible", "awful", "refund", "waste", "disappointed"]
own = {  # words whose meaning is the department's own: for, and against
    "books": (["dark", "slow-burning"], ["predictable", "light"]),
    "lamps": (["light", "bright"], ["dark", "heavy"]),
    "food": (["fresh", "light"], ["old", "heavy"]),
    "tools": (["heavy", "solid"], ["light", "loose"]),
}
filler = [f"word{i}" for i in range(150)]
texts, liked, department = [], [], []
for name, (pro, contra) in own.items():
    for _ in range(200):
        likes = rng.random() < 0.5
        words = list(rng.choice(filler, size=6))
        words += list(rng.choice(good if likes else bad, size=rng.integers(0, 3)))
        words += list(rng.choice(pro if likes else contra, size=rng.integers(0, 3)))
        texts.append(" ".join(words))
        liked.append(likes)
        department.append(name)
liked, department = np.array(liked), np.array(department)

# %%
# Thirty reviews of each department to learn from.

vectors = TfidfVectorizer(token_pattern=r"[\w-]+")
X = vectors.fit_transform(texts)
train = np.tile(np.arange(200) < 30, 4)
print(f"{X.shape[1]} words, {X.nnz / X.shape[0]:.0f} in a review")
models = {
    "each alone": IndependentClassifier("cv"),
    "around a mean": MeanRegularizedClassifierCV(alphas=8, cv=3),
}
for name, model in models.items():
    model.fit(X[train], liked[train], department[train])
    right = model.predict(X[~train], department[~train]) == liked[~train]
    print(f"{name}: {right.mean():.1%} right")

# %%
# What words are worth in each department, in the model around a mean.

shown = ["great", "perfect", "broken", "refund", "light", "dark", "heavy", "fresh"]
place = [vectors.vocabulary_[word] for word in shown]
coef = models["around a mean"].coef_[:, place]
limit = np.abs(coef).max()
fig, ax = plt.subplots(figsize=(7, 2.8), layout="constrained")
image = ax.imshow(coef, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")
ax.set(
    xticks=range(len(shown)),
    xticklabels=shown,
    yticks=range(4),
    yticklabels=models["around a mean"].tasks_,
    title="for (blue) and against (red)",
)
fig.colorbar(image, label="coefficient")
plt.show()
