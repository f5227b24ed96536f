# SPDX-License-Identifier: BSD-3-Clause
"""Base classes of maskers: a transformer of scikit-learn without importing scikit-learn, and its fitted attributes."""

import importlib
import inspect
import sys
from typing import Any, Self

import numpy as np
import pandas as pd
from nibabel import Cifti2Image, Nifti1Image

from ..core.choices import check_choice
from ..files.frames import to_frame
from ..model.errors import LabelsError, NotFittedError
from .inverse import make_image

#: Containers of the output of ``transform``, as scikit-learn names them.
CONTAINERS = ('default', 'pandas', 'polars')


class Estimator:
    """Base of a transformer whose parameters are the arguments of its constructor.

    Each parameter is an attribute of the same name, unchanged: scikit-learn's ``clone`` compares them by identity.
    """

    #: State since the last successful call; None before ``fit``.
    _state = None

    @classmethod
    def _parameter_names(cls):
        """Return the names of the parameters."""
        return [name for name in inspect.signature(cls.__init__).parameters if name != 'self']

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name.

        Parameters
        ----------
        deep : bool
            For scikit-learn; has no effect.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in self._parameter_names()}

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params
            By name.

        Returns
        -------
        Estimator
            Itself.

        Raises
        ------
        ValueError
            If a name is unknown; no parameter is set then.
        """
        known = self._parameter_names()
        for name in params:
            if name not in known:
                raise ValueError(f'{type(self).__name__} has no parameter {name!r}; it has {", ".join(known)}')
        for name, value in params.items():
            setattr(self, name, value)
        return self

    def set_output(self, *, transform: str | None = None) -> Self:
        """Choose the container that ``transform`` and ``fit_transform`` return.

        Parameters
        ----------
        transform : {'default', 'pandas', 'polars'}, optional
            An array, or a table with the names of the regions as columns. None changes nothing.

        Returns
        -------
        Estimator
            Itself.

        Raises
        ------
        LabelsError
            If the container is unknown, or its package is not installed.
        """
        if transform is not None:
            check_choice('transform', transform, CONTAINERS)
            _import_container(transform)
            # scikit-learn's name, so that its clone() copies the choice.
            self._sklearn_output_config = {'transform': transform}
        return self

    def __repr__(self):
        defaults = inspect.signature(type(self)).parameters
        changed = {name: value for name, value in self.get_params().items() if value is not defaults[name].default}
        return f'{type(self).__name__}({", ".join(f"{name}={value!r}" for name, value in changed.items())})'

    def __sklearn_tags__(self):
        """Return the tags of a transformer; scikit-learn is loaded if it asks for them."""
        utils = sys.modules['sklearn.utils']
        return utils.Tags(
            estimator_type=None,
            target_tags=utils.TargetTags(required=False),
            transformer_tags=utils.TransformerTags(),
            input_tags=utils.InputTags(two_d_array=False),
        )

    def __sklearn_is_fitted__(self):
        """Return whether it is fitted."""
        return self._state is not None

    def _fitted_state(self):
        """Return the state, or raise NotFittedError."""
        if self._state is None:
            raise NotFittedError(f'this {type(self).__name__} is not fitted yet: call fit or fit_transform first')
        return self._state

    def _contain(self, values, names):
        """Put an array into the container chosen by ``set_output``, else by scikit-learn's configuration."""
        chosen = getattr(self, '_sklearn_output_config', {}).get('transform')
        if chosen is None and 'sklearn' in sys.modules:
            chosen = sys.modules['sklearn'].get_config().get('transform_output')
        if chosen in (None, 'default'):
            return values
        if chosen == 'pandas':
            return pd.DataFrame(values, columns=list(names))
        return _import_container(chosen).DataFrame(values, schema=list(names), orient='row')


class FittedRegions(Estimator):
    """Attributes of a masker, those of its last successful call."""

    @property
    def mask_img_(self) -> Nifti1Image | Cifti2Image | None:
        """Mask on the grid that the last series was read on, as a Nifti1Image; None without a mask."""
        placed = self._fitted_state().result.placed
        return None if placed.mask is None else make_image(placed.mask.astype(np.uint8), placed.grid)

    @property
    def lut_(self) -> pd.DataFrame:
        """Look-up table of all regions: a DataFrame with the columns ``index`` and ``name``."""
        return self._fitted_state().fitted.lookup.copy()

    @property
    def regions_(self) -> pd.DataFrame:
        """Coverage table of the last series, a DataFrame: voxel counts, coverage and status of each region.

        Of several runs it has the fewest voxels, the lowest coverage and the first status that is not ``'ok'``.
        """
        return to_frame(self._fitted_state().result.coverage)

    @property
    def n_elements_(self) -> int:
        """Number of columns."""
        return len(self._fitted_state().result.ids)

    @property
    def region_ids_(self) -> dict[int, int]:
        """Region id of each column, by its number."""
        return dict(enumerate(self._fitted_state().result.ids))

    @property
    def region_names_(self) -> dict[int, str]:
        """Region name of each column, by its number."""
        return dict(enumerate(self._fitted_state().result.names))

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
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


def _import_container(name):
    """Import the module of a container; None for arrays."""
    if name == 'default':
        return None
    try:
        return importlib.import_module(name)
    except ImportError as e:
        raise LabelsError(f"set_output(transform='{name}') needs {name}: pip install {name}") from e
