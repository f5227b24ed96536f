# SPDX-License-Identifier: BSD-3-Clause
"""What scikit-learn expects of an estimator, without scikit-learn."""

import inspect
import sys

from .core.errors import LabelsError


class Estimator:
    """Base of a class whose parameters are the arguments of its constructor, and its attributes of the same names."""

    #: An attribute that it has once it is fitted.
    _fitted = ''

    @classmethod
    def _names(cls):
        """Names of the parameters."""
        return [name for name in inspect.signature(cls.__init__).parameters if name != 'self']

    def _keep(self, given):
        """Set the parameters as they are, and no more: clones of scikit-learn's compare them by identity."""
        for name in self._names():
            setattr(self, name, given[name])

    def get_params(self, deep=True):
        """Parameters by name.

        Parameters
        ----------
        deep : bool
            For scikit-learn; makes no difference.

        Returns
        -------
        dict
        """
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self, **params):
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
            If one is unknown.
        """
        known = self._names()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f'{type(self).__name__} has no parameter {name!r}; it has {", ".join(known)}')
            setattr(self, name, value)
        return self

    def __repr__(self):
        defaults = inspect.signature(type(self)).parameters
        told = {k: v for k, v in self.get_params().items() if v is not defaults[k].default}
        return f'{type(self).__name__}({", ".join(f"{k}={v!r}" for k, v in told.items())})'

    def __sklearn_tags__(self):
        """What scikit-learn asks of a step of its pipelines; it is loaded if it asks."""
        utils = sys.modules['sklearn.utils']
        return utils.Tags(
            estimator_type=None,
            target_tags=utils.TargetTags(required=False),
            transformer_tags=utils.TransformerTags(),
            input_tags=utils.InputTags(two_d_array=False),
        )

    def __sklearn_is_fitted__(self):
        """Whether it is fitted."""
        return hasattr(self, self._fitted)

    def _check_fitted(self):
        if not self.__sklearn_is_fitted__():
            raise LabelsError(f'this {type(self).__name__} is not fitted yet: call fit or fit_transform first')
