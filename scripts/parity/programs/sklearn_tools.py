"""Scores, splits, neighbours and made data of scikit-learn."""

import numpy as np
from sklearn import (
    datasets,
    ensemble,
    feature_extraction,
    feature_selection,
    inspection,
    isotonic,
    linear_model,
    metrics,
    model_selection,
    neighbors,
    svm,
    tree,
    utils,
)

X, y = datasets.load_iris(return_X_y=True)
Xi = (X * 10).astype(int)
# within 1e-12

# %% TfidfVectorizer
feature_extraction.text.TfidfVectorizer().fit_transform(["a b c", "b c d", "the cat sat"]).toarray()

# %% HashingVectorizer
feature_extraction.text.HashingVectorizer(n_features=16).fit_transform(["aa bb", "bb cc"]).toarray()

# %% cross_val_score
model_selection.cross_val_score(tree.DecisionTreeClassifier(random_state=0), X, y)

# %% GridSearchCV
model_selection.GridSearchCV(svm.SVC(), {"C": [1, 10]}).fit(X, y).best_score_

# %% train_test_split
model_selection.train_test_split(np.arange(10), random_state=0)[0]

# %% StratifiedKFold
np.concatenate(
    [t for _, t in model_selection.StratifiedKFold(3, shuffle=True, random_state=0).split(X, y)]
)

# %% confusion_matrix
metrics.confusion_matrix(y, y[::-1])

# %% roc_auc_score
metrics.roc_auc_score([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.5])

# %% silhouette_score
metrics.silhouette_score(X, y)

# %% adjusted_mutual_info_score
metrics.adjusted_mutual_info_score(y, y[::-1])

# %% pairwise_distances
metrics.pairwise_distances(Xi[:5])

# %% pairwise_distances_argmin
metrics.pairwise_distances_argmin(Xi[:5], Xi[5:20])

# %% NearestNeighbors
neighbors.NearestNeighbors().fit(Xi).kneighbors(Xi[:2])[1]

# %% kneighbors_graph
neighbors.kneighbors_graph(Xi, 3).sum()

# %% permutation_importance
inspection.permutation_importance(
    tree.DecisionTreeClassifier(random_state=0).fit(X, y), X, y, n_repeats=2, random_state=0
).importances_mean

# %% partial_dependence
inspection.partial_dependence(tree.DecisionTreeClassifier(random_state=0).fit(X, y), X, [0])[
    "average"
]

# %% make_blobs
datasets.make_blobs(20, random_state=0)[0]

# %% make_classification
datasets.make_classification(30, random_state=0)[1]

# %% IsotonicRegression
isotonic.IsotonicRegression().fit_transform([1, 2, 3], [1, 3, 2])

# %% resample
utils.resample(np.arange(10), random_state=0)

# %% IsolationForest
ensemble.IsolationForest(random_state=0, n_estimators=5).fit_predict(X)[:3]

# %% LocalOutlierFactor
neighbors.LocalOutlierFactor().fit_predict(X)[:3]

# %% OneClassSVM
svm.OneClassSVM().fit_predict(X)[:3]

# %% KernelDensity
neighbors.KernelDensity().fit(X).score_samples(X[:2])

# %% RFE
feature_selection.RFE(linear_model.LogisticRegression(max_iter=300), n_features_to_select=2).fit(
    X, y
).ranking_

# %% mutual_info_classif
feature_selection.mutual_info_classif(X, y, random_state=0)

# %% BallTree
neighbors.BallTree(Xi).query(Xi[:2], 2)[1]

# %% KDTree
neighbors.KDTree(Xi).query(Xi[:2], 2)[1]
