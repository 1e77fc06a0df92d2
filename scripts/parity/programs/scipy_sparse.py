"""Sparse matrices."""

import numpy as np
from scipy import sparse
from scipy.sparse import linalg as sl

# within 1e-12
a = np.arange(12).reshape(3, 4)

# %% csr_matrix
sparse.csr_matrix(a).sum()

# %% csc_array
sparse.csc_array(a) @ np.arange(4)

# %% coo_array
sparse.coo_array((np.array([1, 2, 3]), (np.array([0, 1, 2]), np.array([0, 1, 2])))).toarray()

# %% csr_array
sparse.csr_array(
    (np.array([1.0, 2.0]), np.array([0, 1]), np.array([0, 1, 2])), shape=(2, 2)
).toarray()

# %% lil_array
sparse.lil_array(a).toarray()

# %% dok_array
sparse.dok_array(a).toarray()

# %% diags_array
sparse.diags_array([np.arange(3)], offsets=[0]).toarray()

# %% bsr_array
sparse.bsr_array(np.eye(4, dtype=int)).toarray()

# %% rows of a csr_array
sparse.csr_array(a)[np.array([0, 2])].toarray()

# %% items of a csr_array
sparse.csr_array(a)[np.array([0, 1]), np.array([1, 2])]

# %% hstack
sparse.hstack([sparse.csr_array(a), sparse.csr_array(a)]).toarray()

# %% kron
sparse.kron(sparse.eye_array(2, dtype=int), a).toarray()

# %% find
sparse.find(sparse.csr_array(a))[2]

# %% spsolve
sl.spsolve(sparse.csc_array(np.array([[2, 0], [0, 4]])), np.array([2, 4]))

# %% splu
sl.splu(sparse.csc_array(np.array([[2.0, 0], [0, 4]]))).solve(np.array([2.0, 4]))

# %% eigsh
sl.eigsh(sparse.diags_array([np.arange(1.0, 20)], offsets=[0]), 2, return_eigenvectors=False)

# %% svds
sl.svds(sparse.csr_array(a.astype(float)), 1, random_state=0)[1]

# %% cg
sl.cg(sparse.csr_array(np.eye(3) * 2), np.array([1, 2, 3]))[0]
