"""What transforms data in scikit-learn."""

import numpy as np
from sklearn import (
    datasets,
    decomposition,
    feature_selection,
    impute,
    manifold,
    mixture,
    preprocessing,
    random_projection,
)

X, y = datasets.load_iris(return_X_y=True)
Xi = (X * 10).astype(int)
# within 1e-9

# %% PCA
decomposition.PCA(2).fit(Xi, y).transform(Xi)[::70]

# %% NMF
decomposition.NMF(2, random_state=0, max_iter=50).fit(Xi, y).transform(Xi)[::70]

# %% FastICA
decomposition.FastICA(2, random_state=0).fit(Xi, y).transform(Xi)[::70]

# %% TruncatedSVD
decomposition.TruncatedSVD(2, random_state=0).fit(Xi, y).transform(Xi)[::70]

# %% LatentDirichletAllocation
decomposition.LatentDirichletAllocation(2, random_state=0, max_iter=2).fit(Xi, y).transform(Xi)[
    ::70
]

# %% TSNE
manifold.TSNE(2, random_state=0, max_iter=250).fit_transform(Xi)[::70]

# %% Isomap
manifold.Isomap().fit(Xi, y).transform(Xi)[::70]

# %% LocallyLinearEmbedding
manifold.LocallyLinearEmbedding(random_state=0).fit(Xi, y).transform(Xi)[::70]

# %% MDS
manifold.MDS(2, random_state=0, n_init=1, max_iter=10).fit_transform(Xi)[::70]

# %% StandardScaler
preprocessing.StandardScaler().fit(Xi, y).transform(Xi)[::70]

# %% OneHotEncoder
preprocessing.OneHotEncoder(sparse_output=False).fit(Xi, y).transform(Xi)[::70]

# %% KBinsDiscretizer
preprocessing.KBinsDiscretizer(encode="ordinal").fit(Xi, y).transform(Xi)[::70]

# %% PolynomialFeatures
preprocessing.PolynomialFeatures(2).fit(Xi, y).transform(Xi)[::70]

# %% QuantileTransformer
preprocessing.QuantileTransformer(n_quantiles=20).fit(Xi, y).transform(Xi)[::70]

# %% PowerTransformer
preprocessing.PowerTransformer().fit(Xi, y).transform(Xi)[::70]

# %% SelectKBest
feature_selection.SelectKBest(k=2).fit(Xi, y).transform(Xi)[::70]

# %% KNNImputer
impute.KNNImputer().fit(Xi, y).transform(Xi)[::70]

# %% GaussianRandomProjection
random_projection.GaussianRandomProjection(2, random_state=0).fit(Xi, y).transform(Xi)[::70]

# %% SplineTransformer
preprocessing.SplineTransformer().fit(Xi, y).transform(Xi)[::70]

# %% GaussianMixture
mixture.GaussianMixture(2, random_state=0).fit(Xi).predict(Xi)[::7]

# %% TargetEncoder
preprocessing.TargetEncoder().fit(Xi, y).transform(Xi)[::70]
