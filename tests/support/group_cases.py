# SPDX-License-Identifier: BSD-3-Clause
"""Call the level group, and read what it writes."""

import hashlib
import json

import numpy as np
import pandas as pd

MATRIX = 'stat-correlation_relmat.tsv'


def collect(call, out, *more):
    return call('derivatives', str(out.parent / 'fmriprep'), str(out), 'group', *more)


def find(out, participant, end):
    (path,) = out.glob(f'sub-{participant}/func/*{end}')
    return path


def read(out, name, **options):
    (path,) = out.glob(f'group/**/{name}')
    return pd.read_csv(path, sep='\t', na_values='n/a', keep_default_na=False, dtype={'participant': str}, **options)


def read_rows(out, name='rows.tsv'):
    return list(dict.fromkeys(read(out, name)['run_name']))


def read_matrix(out):
    (path,) = out.glob('group/*/connectivity.npy')
    return np.load(path, mmap_mode='r')


def rewrite(path, content, out):
    """Write an output and its manifest, as if the level participant had written this content."""
    path.write_text(content)
    (place,) = out.glob(f'manifests/{path.name.partition("_")[0]}_*')
    manifest = json.loads(place.read_text())
    entry = manifest['Outputs'][path.relative_to(out).as_posix()]
    entry.update(Size=len(content), Digest=hashlib.sha256(content.encode()).hexdigest())
    place.write_text(json.dumps(manifest))
