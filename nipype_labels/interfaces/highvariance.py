# SPDX-License-Identifier: BSD-3-Clause
"""Node that computes high-variance confounds."""

from functools import partial

import numpy as np
from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.highvariance import N_CONFOUNDS, PERCENTILE, high_variance_confounds
from ..files.series import open_series
from ..files.tables import write_signals
from ..files.volumes import read_mask
from ..model.errors import errors_name
from .base import InputFile, LabelsInputSpec, LabelsInterface, read_blocks
from .parameters import switch, trait


class _HighVarianceConfoundsInputSpec(LabelsInputSpec):
    # 2: values beyond single precision count as not finite.
    numerics = 2

    in_file = InputFile(mandatory=True, desc='fMRI series')
    # A list of one, since Resample returns a list.
    mask_file = InputMultiObject(InputFile(), maxlen=1, desc='mask on the grid of the series; all voxels by default')
    use_mask = switch('use_mask')
    n_confounds = traits.Range(low=1, value=N_CONFOUNDS, usedefault=True, desc='number of time courses')
    percentile = traits.Range(
        low=0.0,
        high=100.0,
        value=PERCENTILE,
        usedefault=True,
        desc='percentage of voxels to use, by variance',
    )
    detrend = traits.Bool(True, usedefault=True, desc='remove the linear trend of each voxel first')
    num_threads = trait('num_threads', nohash=True)


class _HighVarianceConfoundsOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc='table with a column per confound')


class HighVarianceConfounds(LabelsInterface):
    """Compute high-variance confounds (similar to tCompCor) in two passes over the series.

    Raises
    ------
    LabelsError
        If the series can't be read, the mask is on another grid, or no voxel varies more than the others.
    """

    input_spec = _HighVarianceConfoundsInputSpec
    output_spec = _HighVarianceConfoundsOutputSpec
    switches = {'use_mask': 'mask_file'}

    def _run_interface(self, runtime):
        series = open_series(self.inputs.in_file)
        voxels = np.arange(series.n_voxels)
        if self.get_input('mask_file'):
            mask, grid = read_mask(self.inputs.mask_file[0])
            grid.require(series.grid, 'resample the mask to the series')
            voxels = np.flatnonzero(mask.reshape(-1, order='F'))
        with errors_name(self.inputs.in_file):
            confounds = high_variance_confounds(
                partial(read_blocks, series, self.inputs.num_threads),
                series.n_volumes,
                voxels,
                decoder=series.decoder(),
                n_confounds=self.inputs.n_confounds,
                percentile=self.inputs.percentile,
                detrend=self.inputs.detrend,
            )
        with self.write_output(runtime, 'high_variance_confounds.tsv', 'out_file') as path:
            write_signals(path, [f'high_variance_{i:02d}' for i in range(confounds.shape[1])], confounds)
        return runtime
