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


def many_small_messages_need_no_more(run):
    sim = run.simulator('--generate', '8x500', '--mean-size', 'small', '--seed', '17')
    run_measured(run, 'archive', sim.written_profile, '--threads', 2, '--quiet')
    run_measured(run, 'list', sim.archive, '--json')
    run_measured(run, 'verify', sim.archive, '--quiet')


if __name__ == '__main__':
    harness.main(a_message_of_150_mb_streams_in_and_out, many_small_messages_need_no_more)
