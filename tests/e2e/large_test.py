# SPDX-License-Identifier: Apache-2.0
"""Memory is bounded whatever the size of a message (design promise 5)."""
import re
import threading

import harness
import mail

LARGE_BYTES = 150_000_000
RSS_MAX_KIB = 40 * 1024


class Memory:
    """The most anonymous memory a process was seen to hold."""

    def __init__(self, pid):
        self.path, self.most_kib, self.looks = f'/proc/{pid}/status', 0, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        while not self.over.wait(0.005):
            try:
                with open(self.path, encoding='ascii') as f:
                    found = re.search(r'^RssAnon:\s*(\d+) kB', f.read(), re.M)
            except (FileNotFoundError, ProcessLookupError):
                return
            if found:
                self.most_kib = max(self.most_kib, int(found.group(1)))
                self.looks += 1

    def end(self):
        self.over.set()
        self.thread.join()
        harness.check(self.looks > 0, 'the process was looked at')
        return self.most_kib


def run_measured(run, *args):
    process = run.start(*args)
    memory = Memory(process.pid)
    process.end(harness.DONE)
    most = memory.end()
    print(f'# exarch {args[0]}: at most {most} KiB of anonymous memory in {memory.looks} looks')
    if not harness.SANITIZED:
        harness.check(most <= RSS_MAX_KIB, f'exarch {args[0]} held {most} KiB, more than {RSS_MAX_KIB}')


def a_message_of_150_mb_streams_in_and_out(run):
    path = run.dir / 'mail/anna/Inbox/large.eml'
    mail.write_large(path, LARGE_BYTES)
    sim = run.simulator('--mail', run.dir / 'mail')
    run_measured(run, 'archive', sim.written_profile, '--threads', 2, '--quiet')
    run_measured(run, 'export', sim.archive, '--to', run.dir / 'out', '--quiet')
    run_measured(run, 'verify', sim.archive, '--quiet')
    exported = list((run.dir / 'out').rglob('*.eml'))
    harness.same('files exported', len(exported), 1)
    harness.same('size', exported[0].stat().st_size, path.stat().st_size)
    harness.same('SHA-256', harness.file_sha256(exported[0]), harness.file_sha256(path))


def a_message_streams_back_into_a_mailbox(run):
    """Of 40 MB; in the long rounds of 150 MB, into a server that was set up for such requests."""
    path = run.dir / 'mail/anna/Inbox/large.eml'
    mail.write_large(path, LARGE_BYTES if harness.LONG else 40_000_000)
    (run.dir / 'mail/bert').mkdir()
    sim = run.simulator('--plain', '--mail', run.dir / 'mail', *(['--request-max', '256'] if harness.LONG else []))
    run.archive(sim.written_profile)
    run_measured(run, 'restore', sim.archive, '--profile', sim.written_profile, '--into', 'bert@sim.example', '--threads', 2, '--quiet')
    again = sim.profile(archive=str(run.dir / 'again'), mailboxes={'from': 'list', 'list': ['bert@sim.example']})
    run.archive(again)
    harness.same('SHA-256', [i['sha256'] for i in run.exarch('list', run.dir / 'again', '--json').objects()],
                 [harness.file_sha256(path)])


def one_that_is_too_large_for_the_server_fails_by_name(run):
    mail.write_large(run.dir / 'mail/anna/Inbox/large.eml', 2_000_000)
    mail.write(run.dir / 'mail', {'anna/Inbox/small.eml': 'small'})
    (run.dir / 'mail/bert').mkdir()
    sim = run.simulator('--plain', '--mail', run.dir / 'mail', '--request-max', '1')
    run.archive(sim.written_profile)
    result = run.exarch('restore', sim.archive, '--profile', sim.written_profile, '--into', 'bert@sim.example', '--json',
                        expect=harness.INCOMPLETE)
    harness.same('counts', {k: result.summary()[k] for k in ('restored', 'failed')}, {'restored': 1, 'failed': 1})
    harness.same('why', [(o['code'], o['detail']) for o in result.objects() if o.get('outcome') == 'failed'], [('limit', 413)])


def many_small_messages_need_no_more(run):
    sim = run.simulator('--generate', '8x500', '--mean-size', 'small', '--seed', '17')
    run_measured(run, 'archive', sim.written_profile, '--threads', 2, '--quiet')
    run_measured(run, 'list', sim.archive, '--json')
    run_measured(run, 'verify', sim.archive, '--quiet')


if __name__ == '__main__':
    harness.main(a_message_of_150_mb_streams_in_and_out, a_message_streams_back_into_a_mailbox,
                 one_that_is_too_large_for_the_server_fails_by_name, many_small_messages_need_no_more)
