# SPDX-License-Identifier: Apache-2.0
"""Stopping is a state: the batch is finished, committed and reported, and a rerun continues."""
import collections
import re
import signal

import ews_peer
import harness

GENERATE = ('--generate', '2x40' if harness.SHORT else '4x100', '--seed', '11')


def stopped_by(run, number):
    sim = run.simulator(*GENERATE, '--latency', 20)
    process = run.start('archive', sim.written_profile, '--json', '--threads', 2)
    sim.wait_for('GetItem', 2, also=lambda: process.process.poll() is not None)
    process.signal(number)
    summary = process.end(harness.STOPPED).summary()
    listed = run.exarch('list', sim.archive, '--json').objects()
    harness.same('items in the archive, as reported', len(listed), summary['archived'])
    run.verify(sim.archive)
    expected = collections.Counter(ews_peer.served(sim))
    harness.check(0 < len(listed) < sum(expected.values()), f'{len(listed)} items when it was stopped')
    sim.forget()
    second = run.archive(sim.written_profile)
    harness.same('items fetched by the rerun', sim.fetched_items(), sum(expected.values()) - len(listed))
    harness.same('unexplained', second['unexplained'], 0)
    harness.same_multiset('messages exported', collections.Counter(run.export(sim.archive)), expected)


def sigterm_stops_cleanly_and_a_rerun_continues(run):
    stopped_by(run, signal.SIGTERM)


def sigint_stops_cleanly_and_a_rerun_continues(run):
    stopped_by(run, signal.SIGINT)


def max_duration_stops_cleanly_and_a_rerun_continues(run):
    sim = run.simulator(*GENERATE, '--latency', 300)
    profile = sim.profile(run={'threads': 1, 'batch_items': 2})
    result = run.exarch('archive', profile, '--max-duration', '2 s', '--json', expect=harness.STOPPED)
    harness.check(result.summary()['archived'] < 400, 'it stopped early')
    run.verify(sim.archive)
    run.exarch('archive', profile, '--max-duration', '2 fortnights', expect=harness.USAGE)


def sigusr1_prints_where_things_stand_and_the_run_goes_on(run):
    sim = run.simulator(*GENERATE, '--latency', 50)
    process = run.start('archive', sim.written_profile, '--threads', 1)
    sim.wait_for('GetItem', 1, also=lambda: process.process.poll() is not None)
    before = len(process.streams[1].data)
    process.signal(signal.SIGUSR1)
    process.streams[1].wait_for(lambda text: re.search(rb'\d+ (of \d+ )?items|items', text[before:]), 'a status line')
    process.end(harness.DONE)


def a_signal_while_waiting_for_a_slow_server_is_obeyed_soon(run):
    sim = run.simulator(*GENERATE, '--latency', 60000)
    process = run.start('archive', sim.written_profile)
    sim.wait_for('graph', 1, also=lambda: process.process.poll() is not None)
    process.signal(signal.SIGTERM)
    process.end(harness.STOPPED, timeout=45)  # well before the server would have answered
    sim.process.kill()
    sim.process.wait()
    sim.process = None


def an_export_that_is_stopped_leaves_whole_messages_only(run):
    sim = run.simulator(*GENERATE)
    run.archive(sim.written_profile)
    expected = collections.Counter(run.export(sim.archive, 'whole'))
    process = run.start('export', sim.archive, '--to', run.dir / 'part')
    process.signal(signal.SIGTERM)
    process.end({harness.STOPPED, harness.DONE, -signal.SIGTERM})
    part = collections.Counter(harness.exported(run.dir / 'part'))
    harness.check(not part - expected, 'every file that has its name is a whole message')


if __name__ == '__main__':
    harness.main(sigterm_stops_cleanly_and_a_rerun_continues,
                 sigint_stops_cleanly_and_a_rerun_continues,
                 max_duration_stops_cleanly_and_a_rerun_continues,
                 sigusr1_prints_where_things_stand_and_the_run_goes_on,
                 a_signal_while_waiting_for_a_slow_server_is_obeyed_soon,
                 an_export_that_is_stopped_leaves_whole_messages_only,
                 short=(sigterm_stops_cleanly_and_a_rerun_continues,
                        sigusr1_prints_where_things_stand_and_the_run_goes_on))
