# SPDX-License-Identifier: BSD-3-Clause
"""Private API of Nipype that this package overrides, calls or reads; a test names what a release changes."""

from nipype.pipeline import engine

#: Parameters of private functions after ``self``, by class and name.
FUNCTIONS = {
    'interfaces.base:BaseInterfaceInputSpec._get_sorteddict': ('objekt', 'dictwithhash', 'hash_method', 'hash_files'),
    'interfaces.base:SimpleInterface._check_mandatory_inputs': (),
    'interfaces.base:SimpleInterface._list_outputs': (),
    'interfaces.base:SimpleInterface._post_run_hook': ('runtime',),
    'interfaces.base:SimpleInterface._pre_run_hook': ('runtime',),
    'interfaces.base:SimpleInterface._run_interface': ('runtime',),
    'pipeline.engine:MapNode._make_nodes': ('cwd',),
    'pipeline.engine:Node._get_inputs': (),
    'pipeline.engine:Node._run_command': ('execute', 'copyfiles'),
    'pipeline.plugins:MultiProcPlugin._async_callback': ('args',),
    'pipeline.plugins:MultiProcPlugin._get_result': ('taskid',),
    'pipeline.plugins:MultiProcPlugin._prerun_check': ('graph',),
}

#: Attributes of instances, by class.
ATTRIBUTES = {
    'pipeline.engine:Workflow': ('_graph',),
    'pipeline.plugins:MultiProcPlugin': ('_task_obj', 'pool', 'processors'),
}

#: Code of Nipype's engine that passes outputs on to inputs, outside of the run context.
PASSING_ON = (engine.Node._get_inputs.__code__, engine.MapNode._make_nodes.__code__)

#: Pattern of the file in the folder of a node that has the hash of its inputs.
HASH_FILES = '_0x*.json'


def result_name(node):
    """Return the name of the file in which Nipype keeps the values of the outputs of a node."""
    return f'result_{node}.pklz'
