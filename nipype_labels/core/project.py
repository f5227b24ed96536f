# SPDX-License-Identifier: BSD-3-Clause
"""Signals back into space: each voxel shows the value of its region."""

import numpy as np

#: Where signals are projected to: nowhere, the labels' grid, or the atlas's own.
PROJECTIONS = ('none', 'labels', 'atlas')


class Projector:
    """Spread the values of regions over their voxels.

    Parameters
    ----------
    labels : array of int, shape (I, J, K)
    ids : array of int, shape (L,)
        Region id of each column of the signals; ids without a column stay background.
    background : float
        What voxels outside all regions get.

    Examples
    --------
    >>> Projector(np.array([[[5, 0, 7]]]), [7, 5])(np.array([1.0, 2.0])).tolist()
    [[[2.0, 0.0, 1.0]]]
    """

    def __init__(self, labels, ids, background=0.0):
        ids = np.asarray(ids)
        order = np.argsort(ids)
        place = np.minimum(np.searchsorted(ids[order], labels), len(ids) - 1)
        # The column after the last one holds the background.
        self._column = np.where(ids[order][place] == labels, order[place], len(ids))
        self._background = background

    def __call__(self, values):
        """Spread one row.

        Parameters
        ----------
        values : array, shape (L,)

        Returns
        -------
        array, shape (I, J, K)
        """
        return np.take(np.append(values, self._background), self._column)
