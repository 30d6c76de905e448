#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Power cuts. A run of store-torture is written down call by call, its index and all; then every state that a cut may have
left behind is made and judged (powercut.c, disk.h)."""
import re
import shutil

import tools
from tools import harness

# What is done before, undisturbed; what is cut; by chance so many states a call.
WORKLOADS = {
    'a fresh archive': ((), ('make', 'open', 'write=10', 'close'), 128),
    'several threads': ((), ('make', 'open', 'threads=4,8', 'close'), 128),
    'rotation': (('make', 'open', 'write=9', 'close'), ('open', 'write=5', 'close'), 256),
    'recovery after an unclean stop': (('make', 'open', 'write=2', 'abandon', 'garbage'), ('open', 'write=4', 'close'), 256),
    'rebuild': (('make', 'open', 'write=8', 'threads=2,2', 'close'), ('rebuild', 'write=3', 'close'), 96),
    'compaction': (('orphans', 'make', 'open', 'write=9', 'close'), ('orphans', 'open', 'compact', 'write=1', 'close'), 64),
    'an encrypted archive': (('encrypted', 'make', 'open', 'write=9', 'abandon', 'garbage'),
                             ('encrypted', 'open', 'write=4', 'close'), 128),
    'encrypted, from its making to another key': ((), ('encrypted', 'make', 'open', 'write=1', 'close', 'rekey', 'open', 'write=1',
                                                       'close'), 64),
}
SETTINGS = ('large=90000', f'seed={tools.SEED}')
EVERY = 1 if tools.LONG else 40
STATES_WANTED = 10000


def cut(run, name, total):
    before, steps, by_chance = WORKLOADS[name]
    with tools.Tortured(run, SETTINGS, steps) as t:
        trace, scratch = t.folder / 'trace', t.folder / 'scratch'
        base, log = '-', '-'
        scratch.mkdir()
        if before:
            t.go(*before)
            base, log = t.folder / 'base', t.folder / 'base.log'
            shutil.copytree(t.archive, base)
            shutil.copy(t.log, log)
        ended = t.go_wrong(None, 0, *steps, trace=trace)
        harness.check(ended.code == 0, f'{name}: {ended.err}')
        by_chance = by_chance if tools.LONG else 8
        out, err, code = tools.output_of([tools.CRASH / 'power-cut', scratch, trace, base, log, *t.settings, f'random={by_chance}',
                                          f'every={EVERY}', f'jobs={tools.JOBS}'])
        figures = {k: int(v) for k, v in re.findall(r'(\w+)=(\d+)', out)}
        tools.say(f'{name}: ' + ' '.join(f'{v} {k}' for k, v in figures.items()))
        harness.check(code == 0 and figures.get('bad') == 0, f'{name}: {harness.shorten(err)}')
        harness.check(figures['judged'] > 0, f'{name}: nothing was judged')
        for k, v in figures.items():
            total[k] = total.get(k, 0) + v


def no_power_cut_loses_what_was_acknowledged(run):
    total = {}
    for name in WORKLOADS:
        cut(run, name, total)
    tools.say(f'{total["distinct"]} distinct states, {total["judged"]} judged, {total["bad"]} bad')
    if tools.LONG:
        harness.check(total['judged'] >= STATES_WANTED, f'{total["judged"]} states are fewer than {STATES_WANTED}')


if __name__ == '__main__':
    harness.main(no_power_cut_loses_what_was_acknowledged)
