# SPDX-License-Identifier: BSD-3-Clause
"""The attributes of a fitted masker, as copies of its state."""

import numpy as np

from ..files.coverage import to_frame
from .estimator import Estimator
from .inverse import make_image


class FittedLabels(Estimator):
    """Attributes of a masker of labels, those of its last successful call."""

    @property
    def labels_img_(self):
        """Labels on the grid that the last series was read on, as a Nifti1Image."""
        placed = self._fitted_state().result.placed
        return make_image(placed.resampled.labels, placed.grid)

    @property
    def region_atlas_(self):
        """Labels on that grid within the mask, as a Nifti1Image."""
        placed = self._fitted_state().result.placed
        return make_image(placed.masked.labels, placed.grid)

    @property
    def mask_img_(self):
        """Mask on that grid, as a Nifti1Image; None without a mask."""
        placed = self._fitted_state().result.placed
        return None if placed.mask is None else make_image(placed.mask.astype(np.uint8), placed.grid)

    @property
    def lut_(self):
        """Look-up table of all regions: a DataFrame with the columns ``index`` and ``name``."""
        return self._fitted_state().fitted.lookup.copy()

    @property
    def regions_(self):
        """Coverage table of the last series, a DataFrame: voxel counts, coverage and status of each region.

        Of several runs it has the fewest voxels, the lowest coverage and the first status that is not ``'ok'``.
        """
        return to_frame(self._fitted_state().result.coverage)

    @property
    def n_elements_(self):
        """Number of columns."""
        return len(self._fitted_state().result.ids)

    @property
    def region_ids_(self):
        """Region id of each column, by its number."""
        return dict(enumerate(self._fitted_state().result.ids))

    @property
    def region_names_(self):
        """Region name of each column, by its number."""
        return dict(enumerate(self._fitted_state().result.names))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the columns that ``transform`` returned last.

        Parameters
        ----------
        input_features : object, optional
            For scikit-learn; has no effect.

        Returns
        -------
        array of str, shape (L,)

        Raises
        ------
        NotFittedError
            If the masker is not fitted.
        """
        return np.array(self._fitted_state().result.names, dtype=object)
