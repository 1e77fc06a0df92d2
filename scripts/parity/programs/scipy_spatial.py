"""Points: neighbours, hulls, triangles, distances, rotations."""

import numpy as np
from scipy import spatial

# within 1e-12
P = np.array([[0, 0], [1, 0], [0, 1], [3, 3], [5, 4]])

# %% cKDTree query
spatial.cKDTree(P).query([[0, 0]], 2)[1]

# %% KDTree query_ball_point
spatial.KDTree(P).query_ball_point([0, 0], 1.5)

# %% KDTree query_pairs
list(spatial.KDTree(P).query_pairs(1.5))

# %% KDTree query
spatial.KDTree(P).query([[0, 0]], k=np.array([1, 2]))[1]

# %% ConvexHull vertices
spatial.ConvexHull(P).vertices

# %% Delaunay simplices
spatial.Delaunay(P).simplices

# %% Delaunay find_simplex
spatial.Delaunay(P).find_simplex([[0.2, 0.2]])

# %% Voronoi vertices
spatial.Voronoi(P).vertices

# %% cdist
spatial.distance.cdist(P, P)

# %% pdist
spatial.distance.pdist(P)

# %% directed_hausdorff
spatial.distance.directed_hausdorff(P, P[:3])[0]

# %% Rotation from_euler apply
spatial.transform.Rotation.from_euler("z", 90, degrees=True).apply([1, 0, 0])

# %% procrustes
spatial.procrustes(P, P * 2)[2] < 1e-30
