"""Classifiers of scikit-learn, of floats and of integers."""

import numpy as np
from sklearn import (
    calibration,
    datasets,
    discriminant_analysis,
    ensemble,
    gaussian_process,
    linear_model,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    semi_supervised,
    svm,
    tree,
)

X, y = datasets.load_iris(return_X_y=True)
Xi = (X * 10).astype(int)

# %% LogisticRegression
linear_model.LogisticRegression(max_iter=300).fit(X, y).predict(X[::8])

# %% LogisticRegression of integers
linear_model.LogisticRegression(max_iter=300).fit(Xi, y).predict(Xi[::8])

# %% RidgeClassifier
linear_model.RidgeClassifier().fit(X, y).predict(X[::8])

# %% RidgeClassifier of integers
linear_model.RidgeClassifier().fit(Xi, y).predict(Xi[::8])

# %% SGDClassifier
linear_model.SGDClassifier(random_state=0).fit(X, y).predict(X[::8])

# %% SGDClassifier of integers
linear_model.SGDClassifier(random_state=0).fit(Xi, y).predict(Xi[::8])

# %% Perceptron
linear_model.Perceptron(random_state=0).fit(X, y).predict(X[::8])

# %% Perceptron of integers
linear_model.Perceptron(random_state=0).fit(Xi, y).predict(Xi[::8])

# %% DecisionTreeClassifier
tree.DecisionTreeClassifier(random_state=0).fit(X, y).predict(X[::8])

# %% DecisionTreeClassifier of integers
tree.DecisionTreeClassifier(random_state=0).fit(Xi, y).predict(Xi[::8])

# %% RandomForestClassifier
ensemble.RandomForestClassifier(20, random_state=0).fit(X, y).predict(X[::8])

# %% RandomForestClassifier of integers
ensemble.RandomForestClassifier(20, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% ExtraTreesClassifier
ensemble.ExtraTreesClassifier(10, random_state=0).fit(X, y).predict(X[::8])

# %% ExtraTreesClassifier of integers
ensemble.ExtraTreesClassifier(10, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% GradientBoostingClassifier
ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0).fit(X, y).predict(X[::8])

# %% GradientBoostingClassifier of integers
ensemble.GradientBoostingClassifier(n_estimators=10, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% HistGradientBoostingClassifier
ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(X, y).predict(X[::8])

# %% HistGradientBoostingClassifier of integers
ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% AdaBoostClassifier
ensemble.AdaBoostClassifier(n_estimators=5, random_state=0).fit(X, y).predict(X[::8])

# %% AdaBoostClassifier of integers
ensemble.AdaBoostClassifier(n_estimators=5, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% BaggingClassifier
ensemble.BaggingClassifier(n_estimators=5, random_state=0).fit(X, y).predict(X[::8])

# %% BaggingClassifier of integers
ensemble.BaggingClassifier(n_estimators=5, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% SVC
svm.SVC().fit(X, y).predict(X[::8])

# %% SVC of integers
svm.SVC().fit(Xi, y).predict(Xi[::8])

# %% LinearSVC
svm.LinearSVC().fit(X, y).predict(X[::8])

# %% LinearSVC of integers
svm.LinearSVC().fit(Xi, y).predict(Xi[::8])

# %% NuSVC
svm.NuSVC().fit(X, y).predict(X[::8])

# %% NuSVC of integers
svm.NuSVC().fit(Xi, y).predict(Xi[::8])

# %% KNeighborsClassifier
neighbors.KNeighborsClassifier().fit(X, y).predict(X[::8])

# %% KNeighborsClassifier of integers
neighbors.KNeighborsClassifier().fit(Xi, y).predict(Xi[::8])

# %% KNeighborsClassifier by k-d tree
neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(X, y).predict(X[::8])

# %% KNeighborsClassifier by k-d tree of integers
neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(Xi, y).predict(Xi[::8])

# %% KNeighborsClassifier by ball tree
neighbors.KNeighborsClassifier(algorithm="ball_tree").fit(X, y).predict(X[::8])

# %% KNeighborsClassifier by ball tree of integers
neighbors.KNeighborsClassifier(algorithm="ball_tree").fit(Xi, y).predict(Xi[::8])

# %% KNeighborsClassifier by brute force
neighbors.KNeighborsClassifier(algorithm="brute").fit(X, y).predict(X[::8])

# %% KNeighborsClassifier by brute force of integers
neighbors.KNeighborsClassifier(algorithm="brute").fit(Xi, y).predict(Xi[::8])

# %% RadiusNeighborsClassifier
neighbors.RadiusNeighborsClassifier(radius=5).fit(X, y).predict(X[::8])

# %% RadiusNeighborsClassifier of integers
neighbors.RadiusNeighborsClassifier(radius=5).fit(Xi, y).predict(Xi[::8])

# %% NearestCentroid
neighbors.NearestCentroid().fit(X, y).predict(X[::8])

# %% NearestCentroid of integers
neighbors.NearestCentroid().fit(Xi, y).predict(Xi[::8])

# %% GaussianNB
naive_bayes.GaussianNB().fit(X, y).predict(X[::8])

# %% GaussianNB of integers
naive_bayes.GaussianNB().fit(Xi, y).predict(Xi[::8])

# %% MultinomialNB
naive_bayes.MultinomialNB().fit(X, y).predict(X[::8])

# %% MultinomialNB of integers
naive_bayes.MultinomialNB().fit(Xi, y).predict(Xi[::8])

# %% LinearDiscriminantAnalysis
discriminant_analysis.LinearDiscriminantAnalysis().fit(X, y).predict(X[::8])

# %% LinearDiscriminantAnalysis of integers
discriminant_analysis.LinearDiscriminantAnalysis().fit(Xi, y).predict(Xi[::8])

# %% QuadraticDiscriminantAnalysis
discriminant_analysis.QuadraticDiscriminantAnalysis().fit(X, y).predict(X[::8])

# %% QuadraticDiscriminantAnalysis of integers
discriminant_analysis.QuadraticDiscriminantAnalysis().fit(Xi, y).predict(Xi[::8])

# %% MLPClassifier
neural_network.MLPClassifier(max_iter=20, random_state=0).fit(X, y).predict(X[::8])

# %% MLPClassifier of integers
neural_network.MLPClassifier(max_iter=20, random_state=0).fit(Xi, y).predict(Xi[::8])

# %% GaussianProcessClassifier
gaussian_process.GaussianProcessClassifier().fit(X, y).predict(X[::8])

# %% GaussianProcessClassifier of integers
gaussian_process.GaussianProcessClassifier().fit(Xi, y).predict(Xi[::8])

# %% LabelPropagation
semi_supervised.LabelPropagation().fit(X, y).predict(X[::8])

# %% LabelPropagation of integers
semi_supervised.LabelPropagation().fit(Xi, y).predict(Xi[::8])

# %% OneVsRestClassifier
multiclass.OneVsRestClassifier(linear_model.LogisticRegression()).fit(X, y).predict(X[::8])

# %% OneVsRestClassifier of integers
multiclass.OneVsRestClassifier(linear_model.LogisticRegression()).fit(Xi, y).predict(Xi[::8])

# %% CalibratedClassifierCV
calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=3).fit(X, y).predict(
    X[::8]
)

# %% CalibratedClassifierCV of integers
calibration.CalibratedClassifierCV(linear_model.LogisticRegression(), cv=3).fit(Xi, y).predict(
    Xi[::8]
)

# %% VotingClassifier
ensemble.VotingClassifier(
    [("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier(random_state=0))]
).fit(X, y).predict(X[::8])

# %% VotingClassifier of integers
ensemble.VotingClassifier(
    [("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier(random_state=0))]
).fit(Xi, y).predict(Xi[::8])
