# SPDX-License-Identifier: BSD-3-Clause
"""Replace ``antsApplyTransforms`` where transforms are the identity: resample an image to another grid."""

import argparse
from pathlib import Path

import nibabel as nib
from nibabel.processing import resample_from_to

IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]

parser = argparse.ArgumentParser(allow_abbrev=False)
for option in ('--input', '--reference-image', '--output', '--interpolation'):
    parser.add_argument(option, required=True)
parser.add_argument('--transform', action='append', nargs='+', default=[])
options, _ = parser.parse_known_args()

# A file, or a file to invert: [ file, 1 ].
for path in (words[len(words) > 1].rstrip(',') for words in options.transform):
    lines = [line.split() for line in Path(path).read_text().splitlines()]
    if [[float(number) for number in words[1:]] for words in lines if words[0] == 'Parameters:'] != [IDENTITY]:
        parser.error(f'not an identity: {path}')
order = 0 if options.interpolation == 'MultiLabel' else 1
nib.save(resample_from_to(nib.load(options.input), nib.load(options.reference_image), order), options.output)
