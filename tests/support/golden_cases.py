# SPDX-License-Identifier: BSD-3-Clause
"""What each node computes of inputs without chance, kept in ``tests/data/golden.npz``.

After numbers changed on purpose and the node's ``numerics`` were raised, write the file anew::

    python tests/support/golden_cases.py
"""

import sys
import tempfile
from pathlib import Path

import nibabel
import numpy as np

from nipype_labels import interfaces
from nipype_labels.core.connectivity import CONNECTIVITIES
from nipype_labels.core.strategies import STRATEGIES
from nipype_labels.files.tables import read_signals, write_signals
from nipype_labels.model.parameters import MAP_STRATEGIES

GOLDEN = Path(__file__).parents[1] / 'data' / 'golden.npz'

SHAPE, N_VOLUMES = (9, 8, 7), 40

#: Grids in mm: that of the series, one along its axes, and one turned against them.
SERIES = np.array([[3.0, 0, 0, -11], [0, 3, 0, -9], [0, 0, 3.5, -8], [0, 0, 0, 1]])
ALONG = np.array([[2.2, 0, 0, -8.3], [0, 2.6, 0, -7.1], [0, 0, 2.9, -6.7], [0, 0, 0, 1]])
TURNED = ALONG + np.array([[0, 0.1, -0.05, 0], [-0.1, 0, 0.08, 0], [0.02, 0, 0, 0], [0, 0, 0, 0]])

BAND = dict(low_pass=0.1, high_pass=0.02, t_r=2.0)

#: Settings of each node, by a name for the case.
CASES = {
    'Resample': {'turned': {}},
    'ApplyMask': {'mask': {}},
    'ReduceLabels': {
        **{strategy: dict(strategy=strategy) for strategy in STRATEGIES if strategy not in MAP_STRATEGIES},
        **{f'maps {strategy}': dict(strategy=strategy) for strategy in MAP_STRATEGIES},
        'maps smoothed': dict(strategy='least_squares', smoothing_fwhm=6.0),
        'smoothed': dict(smoothing_fwhm=6.0),
        'smoothed median': dict(smoothing_fwhm=6.0, strategy='median'),
        'zeros': dict(nan_policy='zero'),
        **{f'labels {way}': dict(resampling_target='labels', interpolation=way) for way in ('cubic', 'linear')},
        'labels turned': dict(resampling_target='labels'),
        'labels smoothed': dict(resampling_target='labels', smoothing_fwhm=5.0),
    },
    'HighVarianceConfounds': {'all': {}},
    'CleanSignal': {
        'detrend': dict(detrend=True, standardize='psc'),
        'band': dict(detrend=True, standardize='zscore', confounds=True, **BAND),
        'cosine': dict(filter='cosine', standardize='zscore_sample', high_pass=0.02, t_r=2.0),
        'scrubbed': dict(detrend=True, confounds=True, sample_mask=[i for i in range(40) if i % 9], **BAND),
        'raw confounds': dict(confounds=True, standardize_confounds=False),
    },
    'Connectivity': {
        **{kind: dict(connectivity=kind) for kind in CONNECTIVITIES},
        'empirical': dict(connectivity='correlation', covariance_estimator='empirical', fisher_z=True),
    },
    'InverseProject': {'all': {}},
}


def waves(*shape):
    """Sums of sines of irrational frequencies, equal on all machines except for the last bits."""
    place = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return 500 + 90 * np.sin(place * np.sqrt(3)) + 60 * np.cos(place / np.sqrt(11)) + 30 * np.sin(place / 41)


def files(folder):
    """Inputs of the nodes, by name."""
    made = {}

    def image(name, data, affine):
        made[name] = str(folder / f'{name}.nii.gz')
        nibabel.save(nibabel.Nifti1Image(data, affine, dtype=data.dtype), made[name])

    cells = np.add.outer(np.add.outer(np.arange(9) // 3, 3 * (np.arange(8) // 4)), 6 * (np.arange(7) // 4))
    labels = np.where(waves(*SHAPE) > 420, cells + 1, 0).astype('int16')
    series = np.float32(waves(*SHAPE, N_VOLUMES))
    series[2, 3, 4] = np.nan
    for name, affine in (('labels', SERIES), ('labels_along', ALONG), ('labels_turned', TURNED)):
        image(name, labels, affine)
    image('series', series, SERIES)
    image('maps', np.float32(np.maximum(waves(*SHAPE, 5) - 480, 0)), SERIES)
    image('mask', (waves(*SHAPE) < 580).astype('uint8'), SERIES)
    for name, width in (('signals', 5), ('confounds', 3)):
        made[name] = str(folder / f'{name}.tsv')
        write_signals(made[name], [f'{name}{i}' for i in range(width)], waves(N_VOLUMES, width))
    return made


def make_node(name, case, settings, made, run):
    """A node of a case with its inputs; ``run`` returns the outputs of an upstream node."""
    settings, interface = dict(settings), getattr(interfaces, name)
    if name == 'Resample':
        return interface(in_files=made['labels_turned'], reference_files=made['series'])
    if name == 'ApplyMask':
        return interface(labels_files=made['labels'], mask_files=made['mask'])
    if name == 'CleanSignal':
        tables = {'confounds_files': made['confounds']} if settings.pop('confounds', False) else {}
        return interface(signals_files=made['signals'], **tables, **settings)
    if name == 'Connectivity':
        return interface(signals_files=made['signals'], **settings)
    if name == 'HighVarianceConfounds':
        return interface(in_file=made['series'])
    atlas = 'labels'
    if case.startswith('maps'):
        atlas = 'maps'
    if 'resampling_target' in settings:
        atlas = 'labels_turned' if case == 'labels turned' else 'labels_along'
    placed = run(interfaces.ApplyMask(labels_files=made[atlas]))
    given = {'labels_files': placed.out_files, 'regions_files': placed.regions_files}
    reduce = interfaces.ReduceLabels(in_file=made['series'], **given, **settings)
    return reduce if name == 'ReduceLabels' else interface(signals_files=run(reduce).out_files, **given)


def numbers(name, outputs):
    """Outputs of a node as arrays."""
    out = outputs.out_file if name == 'HighVarianceConfounds' else outputs.out_files[0]
    found = nibabel.load(out).get_fdata() if out.endswith('.nii.gz') else read_signals(out)[1]
    # Confounds are right with either sign.
    return found @ found.T if name == 'HighVarianceConfounds' else found


def compute(name, folder):
    """Numbers of all cases of a node."""
    made, found = files(folder), {}

    def run(node, case='before'):
        (folder / case).mkdir(exist_ok=True)
        return node.run(cwd=str(folder / case)).outputs

    for case, settings in CASES[name].items():
        found[case] = numbers(name, run(make_node(name, case, settings, made, run), case))
    return found


def main():
    """Write the file."""
    written = {}
    for name in CASES:
        with tempfile.TemporaryDirectory() as folder:
            written |= {f'{name}/{case}': found for case, found in compute(name, Path(folder)).items()}
        written[f'{name}.numerics'] = np.array(getattr(interfaces, name).input_spec.numerics)
    np.savez_compressed(GOLDEN, **written)
    return 0


if __name__ == '__main__':
    sys.exit(main())
