# SPDX-License-Identifier: BSD-3-Clause
"""Traits of lists of volumes."""

import numpy as np
from nipype.interfaces.base import DynamicTraitedSpec, Undefined, traits
from nipype.interfaces.utility import IdentityInterface

from ..core.clean import check_sample_mask
from .base import InputFile


class VolumeList(traits.TraitType):
    """A list with an entry per volume, or an array, which becomes a list: of arrays, Nipype hashes an excerpt.

    ``check`` returns an array or raises SignalError; ``info`` describes valid values in errors.
    """

    def __init__(self, check=None, info='a list', **metadata):
        super().__init__(**metadata)
        self._check, self.info_text = check, info

    def validate(self, objekt, name, value):
        """Return the list; a TraitError is raised for other values."""
        try:
            given = np.asarray(value) if self._check is None else self._check(value)
        except ValueError:
            given = np.empty(0)
        if not isinstance(value, list | tuple | np.ndarray) or given.ndim != 1 or not given.size:
            self.error(objekt, name, value)
        return given.tolist()


def sample_mask_trait():
    """Return the trait of volumes to retain: a file, a list or an array."""
    kinds = 'a list or array of flags (True, False), one per volume, or of indices of volumes that rise from 0'
    return traits.Either(
        InputFile(),
        VolumeList(check_sample_mask, kinds),
        desc='volumes to retain: a file, list or array, of a flag for each volume or of indices',
    )


def runs_trait():
    """Return the trait of the run of each volume: a file, a list or an array."""
    return traits.Either(
        InputFile(),
        VolumeList(info='a list or array of the run of each volume'),
        desc='run of each volume, a file, list or array; each is denoised separately',
    )


class _RunInputsSpec(DynamicTraitedSpec):
    sample_mask = sample_mask_trait()
    runs = runs_trait()


class RunInputs(IdentityInterface):
    """Fields of one run, in which lists of volumes are refused where they are set, not after the series was read."""

    input_spec = _RunInputsSpec

    def __init__(self, fields):
        super().__init__(fields=list(fields), mandatory_inputs=False)
        for name in set(_RunInputsSpec.class_trait_names()) & set(fields):
            # The base has added traits that take anything, before those of the class.
            self.inputs.remove_trait(name)
            self.inputs.trait_set(trait_change_notify=False, **{name: Undefined})
