# SPDX-License-Identifier: BSD-3-Clause
"""Node that measures connectivity."""

from nipype.interfaces.base import File, InputMultiObject, TraitedSpec, traits

from ..core.connectivity import CONNECTIVITIES, COVARIANCE_ESTIMATORS, measure_connectivity
from ..core.errors import about
from ..files.tables import read_signals, write_signals
from .base import InputFile, LabelsInputSpec, LabelsInterface


class _ConnectivityInputSpec(LabelsInputSpec):
    signals_files = InputMultiObject(InputFile(), mandatory=True, desc='clean signals, a column per region')
    connectivity = traits.Enum(*CONNECTIVITIES, usedefault=True, hash_files=False, desc='what to measure')
    covariance_estimator = traits.Enum(
        *COVARIANCE_ESTIMATORS, usedefault=True, hash_files=False, desc='how to estimate covariances'
    )
    fisher_z = traits.Bool(False, usedefault=True, desc='give Fisher z of correlations')


class _ConnectivityOutputSpec(TraitedSpec):
    out_files = traits.List(File(exists=True), desc='matrices under their heading, a row and a column per region')


class Connectivity(LabelsInterface):
    """Measure how regions go together; those without a signal keep a row and a column of n/a.

    Raises
    ------
    LabelsError
        If there are too few volumes, the kind has no Fisher z, or a covariance has no inverse.
    """

    input_spec = _ConnectivityInputSpec
    output_spec = _ConnectivityOutputSpec

    def _run_interface(self, runtime):
        choices = [self.given(name) for name in ('connectivity', 'covariance_estimator', 'fisher_z')]
        names, self._results['out_files'] = self.paths(runtime, 'connectivity-{}.tsv', len(self.inputs.signals_files))
        for name, signals_file in zip(names, self.inputs.signals_files, strict=True):
            regions, signals = read_signals(signals_file)
            with about(signals_file):
                matrix = measure_connectivity(signals, *choices)
            with self.publish(runtime, name) as path:
                write_signals(path, regions, matrix)
        return runtime
