# SPDX-License-Identifier: Apache-2.0
"""What a run shows while it goes on: in a real terminal, and byte by byte."""
import os
import re
import signal

import harness
import mail
import terminal
import wire
from harness import check, same

SLOW = 'latency: { fixed_ms: 150 }\n'
MAILBOXES, ITEMS = 4, 40
PARTS = '#-'


def slow(run, text=SLOW, *args):
    """A simulator that takes its time until it is told otherwise."""
    (run.dir / 'slow.yaml').write_text(text)
    sim = run.simulator('--plain', '--scenario', run.dir / 'slow.yaml', *(args or ('--generate', f'{MAILBOXES}x{ITEMS}')))
    return sim, wire.Wire(sim)


def shows_mailboxes(lines, total):
    """The display, whole and once: how far, how it goes, and two mailboxes."""
    at = [i for i, line in enumerate(lines) if re.search(rf'\d/{MAILBOXES} mailboxes  ', line)]
    below = [line for line in lines[at[0] + 1:] if line] if at else []
    return (len(at) == 1 and re.search(total, lines[at[0] - 1]) and len(below) == 2 and
            all(re.match(rf'  \S+.*\b\d+/{ITEMS}\b', line) for line in below))


def a_terminal_shows_each_mailbox_and_is_left_clean(run):
    sim, asker = slow(run)
    profile = sim.profile(run={'threads': 2, 'mailbox_concurrency': 2, 'batch_items': 4})
    pane = terminal.Pane(run, 100, 20, 'archive', profile)
    wide = rf'^\[[{PARTS}]{{20}}\] +\d+ %  \d+/\d+ items  .* [KM]iB'
    lines = pane.wait_for(lambda lines: shows_mailboxes(lines, wide), 'two mailboxes')
    same('the first line', lines[0], f'archiving to {sim.archive}')
    pane.resize(44, 8)
    lines = pane.wait_for(lambda lines: shows_mailboxes(lines, r'^\d+/\d+ items'), 'the same on a narrow terminal')
    check(max(map(len, lines)) <= 44, f'lines are cut: {lines}')
    pane.resize(130, 30)
    pane.wait_for(lambda lines: shows_mailboxes(lines, wide), 'the same on a wide terminal')
    asker.scenario()
    lines = pane.end(harness.DONE)
    same('rows with a part of the display', [line for line in lines if re.search(rf'\[[{PARTS}]+\]|/{ITEMS}|in flight', line)], [])
    check(lines[-4].startswith('total') and f' {MAILBOXES * ITEMS} ' in lines[-4], f'the summary stands: {lines}')
    same('(cursor is shown, its row)', pane.cursor(), (True, pane.lines().index(f'exit status {harness.DONE}') + 1))


def frames_of(shown):
    """What was written: only frames and text; nothing clears the screen, moves to a place on it, or leaves it changed."""
    same('escape sequences', set(re.findall(rb'\x1b(?:\[[?0-9;]*)?[^?0-9;]', shown)) - {b'\x1b[?25l', b'\x1b[?25h', b'\x1b[K', b'\x1b[J'}
         - {b'\x1b[%dA' % n for n in range(1, 24)}, set())
    frames = shown.split(b'\x1b[?25l')
    check(len(frames) > 2, f'{len(frames) - 1} frames')
    for frame in frames[1:]:
        check(frame.startswith(b'\r') and frame.count(b'\x1b[J\x1b[?25h') == 1, f'a frame ends with the cursor shown: {frame}')
        same('lines that are not cleared to their end', re.findall(rb'[^K]\r\n', frame.partition(b'\x1b[J')[0]), [])
    return frames


def at_terminal(run, sim, **env):
    env = {**{k: v for k, v in os.environ.items() if k != 'NO_COLOR'}, 'TERM': 'xterm', **env}
    return terminal.Terminal(run, 'archive', sim.profile(run={'threads': 2, 'batch_items': 4}), env=env)


def frames_are_drawn_over_one_another_and_problems_stand_above(run):
    sim, asker = slow(run, SLOW, '--generate', '3x20', '--deny', 'anna.lindqvist@contoso.example')
    screen = at_terminal(run, sim, NO_COLOR='1')
    shown, data = b'', b''
    while b'/20 ' not in shown:
        check(screen.read(harness.PATIENCE_S), 'it goes on')
        shown, screen.shown = shown + screen.shown, b''
    asker.scenario()
    data = shown + screen.end(harness.INCOMPLETE).encode()
    drawn, _, summary = data.rpartition(b'\x1b[?25h')
    frames_of(drawn + b'\x1b[?25h')
    same('problem lines', len(re.findall(rb'problem: anna\S+: .*\x1b\[K\r\n', drawn)), 1)
    check(summary.startswith(b'mailbox ') and b'\x1b' not in summary, f'the summary stands below what was drawn: {summary}')


def whatever_ends_the_run_the_cursor_is_shown(run):
    for number in signal.SIGINT, signal.SIGKILL:
        sim, _ = slow(run, 'latency: { fixed_ms: 400 }\n')
        screen = at_terminal(run, sim)
        screen.wait_for('in flight')
        os.kill(screen.process.pid, number)
        shown = screen.end(harness.STOPPED if number == signal.SIGINT else -signal.SIGKILL)
        check('\x1b[?25l' not in shown or shown.rindex('\x1b[?25h') > shown.rindex('\x1b[?25l'), f'at the end: {shown[-200:]!r}')
        sim.stop()


def without_a_terminal_there_are_only_lines(run):
    files = {'anna/In\x1b[31mbox/one.eml': mail.message('one'), 'bert/Inbox/two.eml': mail.message('two')}
    sim = run.simulator('--plain', '--mail', mail.write(run.dir / 'mail', files), '--deny', 'bert@sim.example')
    result = run.exarch('archive', sim.written_profile, expect=harness.INCOMPLETE)
    for text in result.out, result.err:
        same('control characters', re.findall(r'[^\n -~]', text), [])
    check(all(re.match(r'20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ  ', line) for line in result.err.splitlines()), f'times: {result.err}')
    screen = at_terminal(run, sim, TERM='dumb')
    shown = screen.end(harness.INCOMPLETE)
    same('control characters on a dumb terminal', re.findall(r'[^\r\n -~]', shown), [])
    harness.contains('what it shows', shown, 'Z  problem: bert@sim.example')


if __name__ == '__main__':
    harness.main(a_terminal_shows_each_mailbox_and_is_left_clean,
                 frames_are_drawn_over_one_another_and_problems_stand_above,
                 whatever_ends_the_run_the_cursor_is_shown,
                 without_a_terminal_there_are_only_lines, at_once=2)
