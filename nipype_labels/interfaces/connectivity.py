# SPDX-License-Identifier: BSD-3-Clause
"""Node that measures functional connectivity."""

import json

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.connectivity import choose_estimator, measure_connectivity, qualify_fisher_z
from ..files.tables import read_signals, write_signals
from ..model.errors import errors_name
from ..model.parameters import PARAMETERS
from .base import InputFile, LabelsInputSpec, LabelsInterface, logger
from .output_names import ENDINGS
from .parameters import trait


class _ConnectivityInputSpec(LabelsInputSpec):
    # 2: correlations and covariances are not shrunk by default; a correlation of 1 has a Fisher z.
    numerics = 2
    named_by = ('signals_files',)

    signals_files = InputMultiObject(InputFile(), mandatory=True, desc='denoised time series, a column per region')
    connectivity = trait('connectivity', choices=PARAMETERS['connectivity'].choices[1:])
    covariance_estimator = trait('covariance_estimator')
    fisher_z = trait('fisher_z')


class _ConnectivityOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='matrices under their heading, a row and a column per region')
    info_files = traits.List(File(exists=True), desc='JSON of how each matrix was estimated, with its shrinkage')


class Connectivity(LabelsInterface):
    """Measure functional connectivity; regions without a time series keep a row and a column of n/a.

    Raises
    ------
    LabelsError
        If there are too few volumes, the kind has no Fisher z, or a covariance has no inverse.
    """

    input_spec = _ConnectivityInputSpec
    output_spec = _ConnectivityOutputSpec

    def _run_interface(self, runtime):
        choices = [self.get_input(name) for name in ('connectivity', 'covariance_estimator', 'fisher_z')]
        n_atlases = len(self.inputs.signals_files)
        names, self._results['out_files'] = self.output_paths(runtime, ENDINGS['connectivity'], n_atlases)
        info_names, self._results['info_files'] = self.output_paths(runtime, ENDINGS['connectivity_info'], n_atlases)
        note = qualify_fisher_z(*choices[:2]) if choices[2] else ''
        if note:
            logger.warning(note)
        for name, info_name, signals_file in zip(names, info_names, self.inputs.signals_files, strict=True):
            regions, signals = read_signals(signals_file)
            with errors_name(signals_file):
                matrix, shrinkage = measure_connectivity(signals, *choices)
            with self.write_output(runtime, name) as path:
                write_signals(path, regions, matrix)
            info = {
                'Measure': choices[0],
                'CovarianceEstimator': choose_estimator(*choices[:2]),
                'Shrinkage': shrinkage,
                'FisherZ': choices[2],
            }
            with self.write_output(runtime, info_name) as path:
                path.write_text(json.dumps(info | ({'Note': note} if note else {}), indent=2) + '\n', encoding='utf-8')
        return runtime
