# SPDX-License-Identifier: BSD-3-Clause
"""Files at the top of a dataset of derivatives, and URIs of files in this and other datasets."""

import os
import re
from pathlib import Path
from urllib.parse import quote

from ..files.json_files import read_json
from ..model.errors import LabelsError
from .names import UNKNOWN_ENTITIES, UNKNOWN_SUFFIXES

#: Version of BIDS that names and sidecars follow.
BIDS_VERSION = '1.11.0'

#: Name of the software in ``GeneratedBy``.
_GENERATOR = 'nipype_labels'

#: Name of the dataset of the series in ``DatasetLinks`` and in URIs.
SOURCE_DATASET = 'preprocessed'

#: Page at the top of the dataset that lists all runs.
INDEX = 'index.html'

#: Keys of the description of an atlas besides ``AtlasName``, in the order of the standard.
_OF_ATLAS = (
    *('License', 'Description', 'Authors', 'Curators', 'Funding', 'ReferencesAndLinks', 'Species', 'AtlasSampleSize'),
    *('DerivedFrom', 'LevelType', 'RRID'),
)

#: Label of the atlas in the name of its image.
_ATLAS = re.compile(r'(?:^|_)atlas-([0-9A-Za-z+]+)_')

#: Patterns of files that the BIDS validator does not know, because their entities or suffixes are not in the schema.
IGNORED = (
    *(f'*_{entity}-*' for entity in UNKNOWN_ENTITIES),
    *(f'*_{suffix}.*' for suffix in UNKNOWN_SUFFIXES),
    '*.html',
    'figures',
    'group',
    'logs',
    'manifests',
    'work',
)

README = """\
# Region time series

Time series of the regions of atlases, extracted from preprocessed fMRI and denoised by nipype_labels. The name of each
file has the entities of its series except `desc`, `atlas-` for the atlas, and `stat-` for the kind of values:

- `stat-mean_timeseries.tsv` (or another summary statistic): denoised time series, a column per region;
- `desc-raw_timeseries.tsv`: the time series before denoising;
- `stat-coverage_bold.tsv`: coverage and status of each region, and why a region has no time series;
- `dseg.nii.gz`, `dseg.tsv`: the label image that was used, and the names of its regions;
- `relmat.tsv`: functional connectivity, if requested: a row and a column per region, in the order of the header;
- `desc-projected_bold.nii.gz`: denoised time series as an image, if requested;
- `ptseries.nii`, `pscalar.nii`: time series and coverage as CIFTI parcels, if requested;
- `desc-censoring_timeseries.tsv`: retained and censored volumes, and the reasons;
- `desc-mean_boldref.nii.gz`: the mean volume of the series.

`index.html` lists all runs with measures of quality, and links to a page per participant and to the report of each run.

`atlas-*_description.json` has the name, license and references of an atlas whose own dataset describes it.

Missing values are `n/a`. The JSON file next to each table or image has its sources, the atlas with the checksum of its
file, parameters, software versions, `Methods` as a text for a paper, and `Warnings` if the names of the files that were
used contradict each other. The folder `manifests` has a JSON file per run with the digests of its inputs and outputs:
`nipype-labels verify` compares them with the files.
"""


def make_uri(path, dataset=''):
    """Return the BIDS URI of a path in a dataset, which is this one or has the name in ``DatasetLinks``.

    >>> make_uri('sub-01/func/sub-01_task-rest_bold.nii.gz', 'preprocessed')
    'bids:preprocessed:sub-01/func/sub-01_task-rest_bold.nii.gz'
    """
    return f'bids:{dataset}:{quote(str(path), safe="/+")}'


def link_source(dataset, out):
    """Return where the dataset of the series is, as seen from a dataset of derivatives, for ``DatasetLinks``."""
    return {SOURCE_DATASET: locate(dataset, out)}


def locate(path, root):
    """Return the path of a file or folder as seen from a dataset, so that both can be moved together.

    It is absolute, as a URI, if they are on different Windows drives.

    >>> locate('/data/areas.L.shape.gii', '/data/fmriprep')
    '../areas.L.shape.gii'
    """
    try:
        return Path(os.path.relpath(path, root)).as_posix()
    except ValueError:
        return Path(path).absolute().as_uri()


def describe_dataset(version, links=None, existing=None, where='dataset_description.json'):
    """Return the content of ``dataset_description.json``: the existing keys with this version and these links.

    ``links`` are locations of other datasets, by name; ``where`` is the path of the file, for errors.
    """
    links, found, existing = dict(links or {}), existing is not None, existing or {}
    generators = existing.get('GeneratedBy')
    generators = [entry for entry in generators if isinstance(entry, dict)] if isinstance(generators, list) else []
    if found and _GENERATOR not in [entry.get('Name') for entry in generators]:
        makers = ', '.join(str(entry.get('Name')) for entry in generators) or 'unknown software'
        raise LabelsError(
            f'{where} describes another dataset (made by {makers}), which is not changed. Choose a folder '
            f'for the derivatives, as in derivatives/{_GENERATOR}'
        )
    linked = existing.get('DatasetLinks', {})
    if not isinstance(linked, dict):
        raise LabelsError(f'{where}: DatasetLinks must be an object of names and locations, not {linked!r}. Correct it')
    for name, place in links.items():
        if linked.get(name, place) != place:
            raise LabelsError(
                f'{where} says that {name} is {linked[name]}, not {place}. Choose another folder for these derivatives '
                'or, if the dataset has moved, correct DatasetLinks'
            )
    own = {'Name': _GENERATOR, 'Version': version}
    others = [entry for entry in generators if entry.get('Name') != _GENERATOR]
    described = {'Name': 'Region time series', **existing, 'BIDSVersion': BIDS_VERSION, 'DatasetType': 'derivative'}
    described['GeneratedBy'] = [own, *others]
    if linked or links:
        described['DatasetLinks'] = dict(sorted({**linked, **links}.items()))
    return described


def name_page(participant):
    """Return the name of the page of a participant, at the top of a dataset.

    >>> name_page('sub-01')
    'sub-01.html'
    """
    return f'{participant}.html'


def name_atlas_description(label):
    """Return the name of the file that describes an atlas, at the top of a dataset.

    >>> name_atlas_description('Schaefer2018')
    'atlas-Schaefer2018_description.json'
    """
    return f'atlas-{label}_description.json'


def find_atlas_description(image):
    """Return the path of the description of an atlas in the folder of its image or a parent folder; None without it."""
    image = Path(image)
    named = _ATLAS.search(image.name)
    folders = image.parents if named else ()
    return next((path for folder in folders if (path := folder / name_atlas_description(named[1])).is_file()), None)


def describe_atlas(path):
    """Return what BIDS requires and recommends of an atlas, from the description in its own dataset.

    None if that has no name or no license, which BIDS requires: neither is made up. Older descriptions have ``Name``.
    """
    found = read_json(path)
    described = {'AtlasName': found.get('AtlasName', found.get('Name'))}
    described |= {key: found[key] for key in _OF_ATLAS if key in found}
    return described if described['AtlasName'] and described.get('License') else None


def list_ignored(existing=''):
    """Return the content of ``.bidsignore``: the existing lines, and the missing ones of :data:`IGNORED`."""
    lines = existing.splitlines()
    return '\n'.join([*lines, *(line for line in IGNORED if line not in lines)]) + '\n'
