# SPDX-License-Identifier: BSD-3-Clause
"""A small subject after the fit of fMRIPrep, templates without a network, and ANTs without its programs."""

import importlib.util
import os
import signal
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from real_files import package_file
from scipy.ndimage import gaussian_filter

HERE = Path(__file__).parent

#: Scripts that are not collected; without fMRIPrep no test is.
collect_ignore = ['apply_transforms.py', 'host.py']
collect_ignore_glob = [] if importlib.util.find_spec('fmriprep') else ['*.py']

#: Templates that fMRIPrep asks for.
TEMPLATES = ('tpl-MNI152NLin2009cAsym/', 'tpl-MNI152NLin6Asym/', 'tpl-OASIS30ANTs/')

#: Contents of ITK files with one affine and without one.
TRANSFORM = '#Transform {}\nTransform: MatrixOffsetTransformBase_double_3_3\nParameters: {}\nFixedParameters: 0 0 0\n'
IDENTITY = '1 0 0 0 1 0 0 0 1 0 0 0'

#: Radii in mm of the brain and of what is within its grey matter.
BRAIN, WITHIN = 19, 15


def field(voxel, shift=0.0):
    """Affine and places in mm of the voxels of a field of view of 48 x 48 x 40 mm, shifted by some of them."""
    shape = [int(length / voxel) for length in (48, 48, 40)]
    affine = np.diag([voxel] * 3 + [1.0])
    affine[:3, 3] = [shift - voxel * (n - 1) / 2 for n in shape]
    return affine, np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def ball(places, radius):
    """Voxels within a radius of the origin."""
    return np.linalg.norm(places, axis=-1) < radius


def save(path, data, affine, t_r=None):
    """Write an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units('mm', 'sec')
    if t_r:
        image.header.set_zooms((*image.header.get_zooms()[:3], t_r))
    nib.save(image, path)


@pytest.fixture(scope='session', autouse=True)
def _templates(tmp_path_factory):
    """TemplateFlow's folder as TemplateFlow makes it, with the files that it would download: small balls."""
    home, (affine, places) = tmp_path_factory.mktemp('templateflow'), field(2.0)
    with zipfile.ZipFile(package_file('templateflow', 'conf', 'templateflow-skel.zip')) as skeleton:
        skeleton.extractall(home, [name for name in skeleton.namelist() if name.startswith(TEMPLATES)])
    for path in home.rglob('*.*'):
        if path.is_file() and not path.stat().st_size:
            path.write_text('empty')
    for path in home.rglob('*.nii.gz'):
        values = ball(places, BRAIN).astype('uint8')
        save(path, values if '_mask' in path.name else 100 * values.astype('float32'), affine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('TEMPLATEFLOW_HOME', str(home))
        yield


@pytest.fixture(scope='session')
def programs(tmp_path_factory):
    """A folder of programs, for the path: ``antsApplyTransforms``."""
    folder = tmp_path_factory.mktemp('programs')
    program = folder / 'antsApplyTransforms'
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "apply_transforms.py"}" "$@"\n')
    program.chmod(0o755)
    return folder


@pytest.fixture(scope='session')
def run_command(tmp_path_factory):
    """Run a command with some folders at the head of the path, and end it with all that it started; status and log."""

    def call(*command, folder, path, seconds):
        log = tmp_path_factory.mktemp('log') / 'log'
        environment = os.environ | {'PATH': os.pathsep.join([*map(str, path), os.environ['PATH']])}
        with log.open('w') as stream:
            process = subprocess.Popen(
                [sys.executable, *map(str, command)],
                stdout=stream,
                stderr=stream,
                cwd=folder,
                env=environment,
                start_new_session=True,
            )
        try:
            status = process.wait(timeout=seconds)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return status, log.read_text()

    return call


@pytest.fixture(scope='session')
def subject(tmp_path_factory):
    """A folder of what fMRIPrep has of a subject once all images are aligned, and of atlases."""
    folder, rng = tmp_path_factory.mktemp('subject'), np.random.default_rng(0)
    affine, places = field(4.0)
    brain = ball(places, BRAIN)
    data = 1000 * brain[..., None] + rng.normal(0, 10, (*brain.shape, 40))
    data += 20 * brain[..., None] * np.sin(places[..., :1] / 9 + np.arange(40) / 3)
    data[..., :2] += 200 * brain[..., None]  # not yet in a steady state
    data = gaussian_filter(data, (0.5, 0.5, 0.5, 0)).astype('float32')
    save(folder / 'bids/sub-01/func/sub-01_task-rest_run-1_bold.nii.gz', data, affine, 2.0)
    save(folder / 'boldref.nii.gz', data.mean(axis=-1), affine)
    save(folder / 'bold_mask.nii.gz', brain.astype('uint8'), affine)
    moved = [_nearly_identity(rng, shift=2.0 * (t == 20)) for t in range(40)]
    for name, affines in (('motion', moved), ('identity', [IDENTITY])):
        text = ''.join(TRANSFORM.format(*pair) for pair in enumerate(affines))
        (folder / f'{name}.txt').write_text(f'#Insight Transform File V1.0\n{text}')
    affine, places = field(1.0)
    inner, right = ball(places, WITHIN), places[..., 0] > 0
    tissues = {'gm': ball(places, BRAIN) & ~inner, 'wm': inner & right, 'csf': inner & ~right}
    for name, tissue in tissues.items():
        save(folder / f'{name}.nii.gz', tissue.astype('float32'), affine)
    save(folder / 't1w_mask.nii.gz', ball(places, BRAIN).astype('uint8'), affine)
    # Atlases on a grid of their own, no voxel of which is half-way between two of the series.
    affine, places = field(3.0, shift=0.3)
    eighths = 1 + (places > 0) @ [1, 2, 4]
    slabs = np.digitize(places[..., 2], [-6, 6]) + 11
    for name, labels, missing in (('eighths', eighths, 9), ('slabs', slabs, 14)):
        labels = np.where(ball(places, 21), labels, 0).astype('int16')
        save(folder / f'{name}.nii.gz', labels, affine)
        rows = ''.join(f'{i}\t{name} {i}\n' for i in [*np.unique(labels[labels > 0]), missing])
        (folder / f'{name}.tsv').write_text(f'index\tname\n{rows}')
    return folder


@pytest.fixture(scope='session')
def files(subject):
    """Atlas and look-up table of each output space, as ``attach_labels_wf`` takes them."""
    atlases = {'MNI152NLin2009cAsym': 'eighths', 'MNI152NLin6Asym': 'slabs'}
    kinds = {'atlases': 'nii.gz', 'luts': 'tsv'}
    return {
        kind: {space: [str(subject / f'{name}.{end}')] for space, name in atlases.items()}
        for kind, end in kinds.items()
    }


def _nearly_identity(rng, shift):
    """Parameters of an affine that turns and moves a little, and once by more."""
    x, y, z = rng.normal(0, 0.0004, 3)
    turns = [1, -z, y, z, 1, -x, -y, x, 1]
    return ' '.join(f'{number:.6f}' for number in [*turns, *(rng.normal(0, 0.03, 3) + shift)])
