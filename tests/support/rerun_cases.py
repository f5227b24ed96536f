# SPDX-License-Identifier: BSD-3-Clause
"""A file for each input of the factory, small, with gaps that give each parameter something to act on."""

import json

import numpy as np
from images import save_image

from nipype_labels.files.tables import write_signals

N_VOLUMES = 80

#: Inputs that come in only if their switch is on.
SWITCHES = {
    'bold_mask': 'use_mask',
    'atlas_luts': 'use_luts',
    'confounds_file': 'use_confounds',
    'sample_mask': 'use_sample_mask',
}


def write_inputs(folder, seed):
    """Values of all inputs of the factory; another seed, other contents under the same names and grids."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    path = {name: str(folder / name) for name in ('bold.nii', 'mask.nii', 'atlas.nii', 'lut.tsv', 'bold.json')}
    path |= {name: str(folder / name) for name in ('confounds.tsv', 'kept.npy', 'runs.npy')}

    bold = rng.normal(1000, 20, (6, 6, 6, N_VOLUMES))
    bold[1, 1, 1, 3] = np.nan
    save_image(folder / 'bold.nii', bold, np.diag([4, 4, 4, 1]), 2.0)
    finer = np.diag([2, 2, 2, 1])
    atlas = np.kron([1, 2, 4, 7, 9, 9], np.ones((12, 12, 2))).astype('int16').T
    atlas[:, :, 2 * seed] = 0
    save_image(folder / 'atlas.nii', atlas, finer)
    # The last region keeps two thirds of its voxels.
    mask = np.ones(atlas.shape, dtype='uint8')
    mask[8:, 4 * seed : 4 * seed + 4] = 0
    save_image(folder / 'mask.nii', mask, finer)
    names = ''.join(f'{index}\tArea {index} of {seed}\n' for index in (9, 1, 2, 4, 7))
    (folder / 'lut.tsv').write_text(f'index\tname\n{names}')
    (folder / 'bold.json').write_text(json.dumps({'RepetitionTime': 2 + seed / 1000}))
    write_signals(path['confounds.tsv'], *_confounds(rng))
    np.save(path['kept.npy'], np.delete(np.arange(N_VOLUMES), [0, 7 + seed]))
    np.save(path['runs.npy'], (np.arange(N_VOLUMES) >= 40 + seed).astype(int))
    return {
        'bold_file': path['bold.nii'],
        'bold_mask': path['mask.nii'],
        'bold_sidecar': path['bold.json'],
        'atlas_files': [path['atlas.nii']],
        'atlas_luts': [path['lut.tsv']],
        'confounds_file': path['confounds.tsv'],
        'sample_mask': path['kept.npy'],
        'runs': path['runs.npy'],
        't_r': 2 + seed / 1000,
    }


def _confounds(rng):
    """Names and values of columns as fMRIPrep writes them; in the last two, the first value is missing."""
    names = [f'{kind}_{axis}{end}' for end in ('', '_derivative1') for kind in ('trans', 'rot') for axis in 'xyz']
    names += ['csf', 'white_matter', 'c_comp_cor_00', 'w_comp_cor_00', *(f'a_comp_cor_{i:02d}' for i in range(4))]
    names += ['non_steady_state_outlier00', 'framewise_displacement', 'std_dvars']
    values = rng.normal(size=(N_VOLUMES, len(names)))
    values[:, -3] = np.arange(N_VOLUMES) == 1
    values[:, -2:] = rng.uniform((0, 0.8), (0.55, 1.55), size=(N_VOLUMES, 2))
    values[0, -2:] = np.nan
    return names, values
