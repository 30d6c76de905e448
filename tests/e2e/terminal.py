# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: a pseudo-terminal that exarch has as its own, what it shows there, and what is typed."""
import fcntl
import os
import select
import signal
import subprocess
import termios
import time

import harness


class Terminal:
    def __init__(self, run, *args, **how):
        self.master, self.slave = os.openpty()
        self.shown = b''
        self.settings = termios.tcgetattr(self.slave)
        self.life = run.born([str(a) for a in args])
        self.process = subprocess.Popen([harness.EXARCH, *map(str, args)], stdin=self.slave, stdout=self.slave,
                                        stderr=self.slave, start_new_session=True, preexec_fn=self.take_control, **how)
        run.cleanup.callback(self.close)

    def take_control(self):
        for number in signal.SIGINT, signal.SIGQUIT:  # a shell's background jobs ignore them, and so would what they start
            signal.signal(number, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        self.shown += os.read(self.master, 65536)
        return True

    def wait_for(self, words):
        """Until WORDS are shown, behind what was waited for before."""
        deadline = time.monotonic() + harness.PATIENCE_S
        while words.encode() not in self.shown:
            harness.check(time.monotonic() < deadline and (self.read(0.1) or self.process.poll() is None),
                          f'waited for {words!r} on the terminal in vain: {harness.shorten(self.shown.decode())}')
        self.shown = self.shown.split(words.encode(), 1)[1]

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.master, text.encode())

    def answer(self, prompt, text):
        self.wait_for(prompt)
        harness.check(not self.echoes(), f'what is typed at {prompt!r} is not shown')
        self.type(text + '\n')

    def end(self, expect):
        """Waits; gives what was shown since the last wait. The terminal is as it was."""
        deadline = time.monotonic() + harness.PATIENCE_S
        while self.process.poll() is None:
            harness.check(time.monotonic() < deadline, f'exarch ends; it shows {harness.shorten(self.shown.decode())}')
            self.read(0.1)
        self.life.ended = time.monotonic()
        while self.read(0):
            pass
        harness.same(f'exit code with {harness.shorten(self.shown.decode())!r} shown', self.process.returncode, expect)
        harness.same('settings of the terminal', termios.tcgetattr(self.slave), self.settings)
        return self.shown.decode()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)
