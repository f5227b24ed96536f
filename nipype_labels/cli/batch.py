# SPDX-License-Identifier: BSD-3-Clause
"""Run the workflows of many runs by a plugin of Nipype, such as that of a cluster; a failed run stops no other."""

import re
import traceback

from nipype.pipeline import engine as pe

from .run import execute, explain, find_reason, report_restart

#: Node that ends a run.
LAST = 'save'

#: Fewest runs in one workflow; with more, each poll of Nipype's scheduler takes longer.
SMALLEST_BATCH = 32


class Watch:
    """Callback for Nipype's plugins that follows runs: those done (also cached), and failed nodes by name of run."""

    def __init__(self, progress):
        self._progress, self.done, self.stopped = progress, set(), {}

    def __call__(self, node, status):
        """Record that ``node`` ends or fails (``status``), and print the progress of its run."""
        run = node.fullname.split('.')[1]
        # Nipype's Linear reports nodes as ended that it skipped because others failed.
        if run in self.stopped:
            return
        if status == 'exception':
            self.stopped[run] = node.fullname
            self._progress.print(run, f'stopped at {node.name}')
        elif status == 'end' and node.name == LAST:
            self.done.add(run)
            self._progress.print(run, 'done')


def run_batches(names, steps, progress, work_dir, plugin, nprocs, plugin_args, stop=False):
    """Run the graphs of many runs by a plugin of Nipype; return why runs failed, by name.

    ``steps.build`` returns the graph of a run. When the run has ended, ``steps.finish`` or ``steps.fail`` is called.
    With ``stop``, no batch starts after a run has failed.
    """
    watch, reasons = Watch(progress), {}

    def fail(name, reason, details):
        reasons[name] = steps.fail(name, reason, details)
        if name not in progress.ended:
            progress.print(name, 'failed')

    # Linear: one run at a time, so that each is complete before the next starts.
    size = 1 if plugin == 'Linear' else max(SMALLEST_BATCH, 4 * nprocs)
    waiting = [names[i : i + size] for i in range(0, len(names), size)]
    while waiting and not (stop and reasons):
        batch = waiting.pop(0)
        wf = pe.Workflow(steps.kind, base_dir=str(work_dir))
        wf.add_nodes(list(filter(None, [_attempt(steps.build, name, fail) for name in batch])))
        text = _run(wf, watch, plugin, nprocs, plugin_args)
        crashes = _read_crashes(work_dir / 'crash')
        alone = []
        for name in [name for name in batch if name not in reasons]:
            log = crashes.get(watch.stopped.get(name), text)
            if name in watch.done:
                _attempt(steps.finish, name, fail)
            elif 'BrokenProcessPool' in log and len(batch) > 1:
                alone.append(name)
                watch.stopped.pop(name, None)
            else:
                fail(name, str(find_reason(log)), log)
        if alone:
            report_restart(alone)
        waiting = [[name] for name in alone] + waiting
    return reasons


def _attempt(step, name, fail):
    """Return the result of a step of a run; a run that fails, whatever the reason, stops no other."""
    try:
        return step(name)
    except Exception as e:
        return fail(name, *explain(e))


def _run(wf, watch, plugin, nprocs, plugin_args):
    """Run a workflow; return the traceback of what Nipype raised, empty if nothing."""
    try:
        if wf.list_node_names():
            execute(wf, plugin, nprocs, watch, plugin_args)
    except Exception as e:
        return ''.join(traceback.format_exception(e))
    return ''


def _read_crashes(folder):
    """Return the texts of Nipype's crash files by name of node; delete the files, which contain whole environments."""
    texts = {}
    for path in sorted(folder.glob('crash-*.txt')) if folder.is_dir() else ():
        text = path.read_text(encoding='utf-8', errors='replace')
        node = re.search(r'^Node: (\S+)', text, re.MULTILINE)
        if node:
            texts[node[1]] = text
        path.unlink()
    return texts
