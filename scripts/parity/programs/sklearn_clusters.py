"""Clusters of scikit-learn."""

import numpy as np
from sklearn import cluster, datasets

X, y = datasets.load_iris(return_X_y=True)
Xi = (X * 10).astype(int)

# %% KMeans
cluster.KMeans(3, n_init=2, random_state=0).fit_predict(Xi)[::8]

# %% MiniBatchKMeans
cluster.MiniBatchKMeans(3, n_init=2, random_state=0).fit_predict(Xi)[::8]

# %% DBSCAN
cluster.DBSCAN().fit_predict(Xi)[::8]

# %% HDBSCAN
cluster.HDBSCAN().fit_predict(Xi)[::8]

# %% AgglomerativeClustering
cluster.AgglomerativeClustering(3).fit_predict(Xi)[::8]

# %% SpectralClustering
cluster.SpectralClustering(3, random_state=0, affinity="nearest_neighbors").fit_predict(Xi)[::8]

# %% MeanShift
cluster.MeanShift().fit_predict(Xi)[::8]

# %% OPTICS
cluster.OPTICS().fit_predict(Xi)[::8]

# %% Birch
cluster.Birch(n_clusters=3).fit_predict(Xi)[::8]

# %% AffinityPropagation
cluster.AffinityPropagation(random_state=0).fit_predict(Xi)[::8]

# %% BisectingKMeans
cluster.BisectingKMeans(3, random_state=0).fit_predict(Xi)[::8]
