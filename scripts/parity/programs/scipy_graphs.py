"""Graphs as matrices: paths, trees, flows, matchings."""

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

d = np.array([[0, 1, 4], [1, 0, 2], [4, 2, 0]])

# %% shortest_path
csgraph.shortest_path(d)

# %% dijkstra
csgraph.dijkstra(sparse.csr_array(d))

# %% bellman_ford
csgraph.bellman_ford(sparse.csr_array(d))

# %% minimum_spanning_tree
csgraph.minimum_spanning_tree(d).toarray()

# %% connected_components
csgraph.connected_components(d)[1]

# %% breadth_first_order
csgraph.breadth_first_order(sparse.csr_array(d), 0)[0]

# %% maximum flow of 32 bits
csgraph.maximum_flow(sparse.csr_array(d.astype("int32")), 0, 2).flow_value

# %% maximum flow of 64 bits
csgraph.maximum_flow(sparse.csr_array(d), 0, 2).flow_value

# %% maximum_bipartite_matching
csgraph.maximum_bipartite_matching(sparse.csr_array(d))

# %% reverse_cuthill_mckee
csgraph.reverse_cuthill_mckee(sparse.csr_array(d))

# %% laplacian
csgraph.laplacian(d)
