"""Clusters: linkage, dendrograms, k-means."""

import numpy as np
from scipy import cluster, spatial

# within 1e-12
P = np.array([[0, 0], [1, 0], [0, 1], [3, 3], [5, 4]])

# %% linkage
cluster.hierarchy.linkage(P)[:, 2]

# %% fcluster
cluster.hierarchy.fcluster(cluster.hierarchy.linkage(P), 2)

# %% dendrogram
len(cluster.hierarchy.dendrogram(cluster.hierarchy.linkage(P), no_plot=True)["ivl"])

# %% cophenet
cluster.hierarchy.cophenet(cluster.hierarchy.linkage(P))

# %% optimal leaf ordering
cluster.hierarchy.leaves_list(
    cluster.hierarchy.optimal_leaf_ordering(cluster.hierarchy.linkage(P), spatial.distance.pdist(P))
)

# %% kmeans2
cluster.vq.kmeans2(P.astype(float), 2, seed=0)[1]

# %% vq
cluster.vq.vq(P.astype(float), P[:2].astype(float))[0]
