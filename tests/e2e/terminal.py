# SPDX-License-Identifier: Apache-2.0
"""A person at a terminal: a pseudo-terminal that exarch has as its own, what it shows there, and what is typed; and a real one
(tmux), for what stands there in the end."""
import fcntl
import os
import select
import shlex
import shutil
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


class Pane:
    """exarch in a terminal of tmux, under a shell that says its exit status and stays."""

    def __init__(self, run, columns, rows, *args):
        if shutil.which('tmux') is None:
            raise harness.Skip('tmux is not installed')
        self.socket = run.dir / 'tmux'
        self.life = run.born([str(a) for a in args])
        command = f'{shlex.join([harness.EXARCH, *map(str, args)])}; echo "exit status $?"; exec cat'
        self.tmux('-f', '/dev/null', 'new-session', '-d', '-x', columns, '-y', rows, command)
        run.cleanup.callback(self.tmux, 'kill-server')

    def tmux(self, *args):
        return subprocess.run(['tmux', '-S', self.socket, *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              timeout=harness.PATIENCE_S, check=True, text=True, env={**os.environ, 'LC_ALL': 'C.UTF-8'}).stdout

    def lines(self):
        return self.tmux('capture-pane', '-p').rstrip('\n').split('\n')

    def wait_for(self, is_there, what):
        """Until the lines that stand there satisfy IS_THERE; gives them."""
        deadline = time.monotonic() + harness.PATIENCE_S
        while not is_there(lines := self.lines()):
            harness.check(time.monotonic() < deadline, f'waited for {what} in vain; there stands: {lines}')
            time.sleep(0.02)
        return lines

    def resize(self, columns, rows):
        self.tmux('resize-window', '-x', columns, '-y', rows)

    def end(self, expect):
        """Waits; gives what stands there in the end, without the shell's line."""
        lines = self.wait_for(lambda lines: any(line.startswith('exit status') for line in lines[-2:]), 'the end')
        lines = [line for line in lines if line]
        self.life.ended = time.monotonic()
        harness.same('the last line', lines[-1], f'exit status {expect}')
        return lines[:-1]

    def cursor(self):
        """(whether it is shown, its row)"""
        shown, row = self.tmux('display-message', '-p', '#{cursor_flag} #{cursor_y}').split()
        return shown == '1', int(row)
