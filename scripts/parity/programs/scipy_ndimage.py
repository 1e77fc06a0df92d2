"""Pictures: filters, labels, measurements."""

import numpy as np
from scipy import ndimage

# within 1e-12
a = np.arange(12).reshape(3, 4)

# %% label
ndimage.label(np.array([[1, 0, 1], [1, 0, 1]]))[0]

# %% sum_labels
ndimage.sum_labels(np.array([1, 2, 3]), np.array([1, 1, 2]), index=np.array([1, 2]))

# %% center_of_mass
ndimage.center_of_mass(a)

# %% gaussian_filter
ndimage.gaussian_filter(a, 1)

# %% median_filter
ndimage.median_filter(a, 3)

# %% zoom
ndimage.zoom(a, 2)

# %% rotate
ndimage.rotate(a, 45)

# %% maximum_filter
ndimage.maximum_filter(a, 2)

# %% maximum_position
ndimage.maximum_position(a)

# %% distance_transform_edt
ndimage.distance_transform_edt(a)

# %% distance_transform_edt with indices
ndimage.distance_transform_edt(a, return_indices=True)[1]

# %% watershed_ift
ndimage.watershed_ift(a.astype("uint8"), np.eye(3, 4).astype(int))

# %% find_objects
len(ndimage.find_objects(np.array([[1, 0], [0, 2]])))

# %% convolve
ndimage.convolve(a, np.ones((2, 2), int))

# %% map_coordinates
ndimage.map_coordinates(a, [[0.5, 1], [1, 2]])

# %% histogram
ndimage.histogram(a, 0, 12, 3)

# %% binary_erosion
ndimage.binary_erosion(a > 2)

# %% labeled_comprehension mean
ndimage.labeled_comprehension(a, a > 5, [0, 1], np.mean, float, 0)
