#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 at the n-th call that changes something in the archive: before it, after it, or with half a write through. What the
log outside of the archive says was acknowledged must be there afterwards, byte for byte."""
import collections
import random

import tools
from tools import ews_peer, harness

ROUNDS = 530 if tools.LONG else 45
COMPACTIONS = 50 if tools.LONG else 5
ARCHIVE_ROUNDS = 40 if tools.LONG else 4
KINDS = ('kill-before', 'kill-after', 'kill-within')
# Each ends as it begins, closed: steps that come first and undisturbed, then those that are killed.
STORIES = [
    ((), ('make', 'open', 'threads=4,6', 'close')),
    ((), ('make', 'open', 'write=8', 'close', 'open', 'threads=2,6', 'close')),
    (('make', 'open', 'threads=3,9', 'close'), ('open', 'threads=3,6', 'close')),  # over the border of a segment
    (('make', 'open', 'write=4', 'abandon', 'garbage'), ('open', 'write=4', 'close')),
    (('make', 'open', 'threads=3,6', 'close'), ('rebuild', 'write=3', 'close')),
    (('orphans', 'make', 'open', 'threads=3,8', 'close'), ('orphans', 'open', 'compact', 'write=2', 'close')),
    (('encrypted', 'make', 'open', 'write=2', 'close'), ('encrypted', 'rekey', 'open', 'write=2', 'close')),
]
COMPACTION = STORIES[5]


def count_calls(run, story, kind):
    """About how many calls the story's killed part makes: with threads it isn't always the same."""
    before, steps = story
    with tools.Tortured(run, steps=steps) as t:
        if before:
            t.go(*before)
        return t.go_wrong(kind, 1 << 30, *steps).calls


def a_store_killed_at_any_call_keeps_what_it_acknowledged(run):
    rng = random.Random(tools.SEED)
    calls = {(n, kind): count_calls(run, story, kind) for n, story in enumerate(STORIES) for kind in KINDS}
    plans = []
    for _ in range(ROUNDS):
        n, kind = rng.randrange(len(STORIES)), rng.choice(KINDS)
        plans.append((n, kind, rng.randint(1, calls[n, kind]), rng.randint(1, 1 << 30)))

    def one(plan):
        number, kind, at, seed = plan
        before, steps = STORIES[number]
        with tools.Tortured(run, ('large=40000', f'seed={seed}'), steps) as t:
            if before:
                t.go(*before)
            ended = t.go_wrong(kind, at, *steps)
            harness.check(ended.code in (tools.KILLED, 0), f'{plan}: exit code {ended.code}: {ended.err}')
            t.judge(f'story {number}, {kind} at call {at}, seed={seed}')
            return ended.code == tools.KILLED, t.acknowledged()
    done = tools.each(one, plans)
    tools.say(f'{len(done)} rounds, {sum(killed for killed, _ in done)} killed, {sum(n for _, n in done)} batches acknowledged, 0 lost')


def a_compaction_killed_within_loses_nothing(run):
    """As above, and only rounds count that were killed between the beginning and the end of the compaction itself."""
    rng = random.Random(tools.SEED)
    before, steps = COMPACTION
    calls = {kind: count_calls(run, COMPACTION, kind) for kind in KINDS}

    def one(plan):
        kind, at, seed = plan
        with tools.Tortured(run, ('large=40000', f'seed={seed}'), steps) as t:
            t.go(*before)
            ended = t.go_wrong(kind, at, *steps)
            within = ended.code == tools.KILLED and t.acknowledged('compacting') > t.acknowledged('compacted')
            t.judge(f'compaction, {kind} at call {at}, seed={seed}')
            return within
    within = tried = 0
    while within < COMPACTIONS:
        kinds = [rng.choice(KINDS) for _ in range(COMPACTIONS - within)]
        done = tools.each(one, [(kind, rng.randint(1, calls[kind]), rng.randint(1, 1 << 30)) for kind in kinds])
        tried += len(done)
        within += sum(done)
        harness.check(tried < 100 * COMPACTIONS, f'only {within} of {tried} kills met the compaction')
    tools.say(f'{within} compactions killed within, of {tried} rounds, 0 batches lost')


def an_archive_run_killed_at_any_call_is_continued(run):
    """exarch itself, from the simulator: afterwards verify is clean, a second run ends it, and everything comes out."""
    rng = random.Random(tools.SEED)
    sim = run.simulator('--generate', '2x30', '--seed', '3')
    expected = collections.Counter(ews_peer.served(sim))
    report = run.dir / 'report'
    whole = run.dir / 'whole'
    run.exarch('archive', sim.profile(archive=str(whole)), '--quiet', env=tools.faults_env(whole, report=report))
    calls = tools.Ended(0, '', report).calls
    killed = 0
    for number in range(ARCHIVE_ROUNDS):
        archive = run.dir / f'archive-{number}'
        profile = sim.profile(archive=str(archive))
        kind, at = rng.choice(KINDS), rng.randint(1, calls)
        code = run.exarch('archive', profile, '--quiet', expect=None, env=tools.faults_env(archive, kind, at)).code
        harness.check(code in (tools.KILLED, 0), f'{kind} at call {at}: exit code {code}')
        killed += code == tools.KILLED
        run.verify(archive, expect={harness.DONE, harness.NO_ARCHIVE})
        harness.same('unexplained', run.archive(profile)['unexplained'], 0)
        run.verify(archive)
        harness.same_multiset(f'{kind} at call {at}', collections.Counter(run.export(archive, f'out-{number}')), expected)
    tools.say(f'{ARCHIVE_ROUNDS} runs of exarch archive, {killed} killed at one of {calls} calls, 0 items lost')


if __name__ == '__main__':
    harness.main(a_store_killed_at_any_call_keeps_what_it_acknowledged, a_compaction_killed_within_loses_nothing,
                 an_archive_run_killed_at_any_call_is_continued)
