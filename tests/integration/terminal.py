"""A terminal for tests: runs a program on a pseudo-terminal, and shows what would be left on the screen."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

DEADLINE_S = 120

ESCAPE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])")


class Terminal:
    """A program whose stderr (and stdout, with `both`) is a terminal of the given size. Use it as a context manager."""

    def __init__(self, command, columns=100, rows=24, both=False, **options):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave if both else subprocess.DEVNULL, stderr=slave,
                                        **options)
        os.close(slave)
        self.seen = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)

    def _read(self, deadline):
        """Takes what the program wrote; False when it has closed the terminal."""
        if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
            raise TimeoutError(f"nothing more was written after: {self.text!r}")
        try:
            chunk = os.read(self.master, 65536)
        except OSError:  # Linux says so when the last writer is gone
            return False
        self.seen += chunk
        return bool(chunk)

    @property
    def text(self):
        return self.seen.decode("utf-8", "replace")

    def wait_for(self, pattern):
        """Reads until the pattern was written."""
        deadline = time.monotonic() + DEADLINE_S
        while not re.search(pattern, self.text):
            assert self._read(deadline), f"ended without {pattern!r}: {self.text!r}"

    def finish(self):
        """Reads to the end and returns the exit status."""
        deadline = time.monotonic() + DEADLINE_S
        while self._read(deadline):
            pass
        return self.process.wait(DEADLINE_S)

    def screen(self):
        """The lines that are left, after every movement of the cursor. An unknown movement is an error."""
        lines, row, at = [""], 0, 0
        text = self.text
        while at < len(text):
            escape = ESCAPE.match(text, at)
            if escape:
                number, kind = escape[1], escape[2]
                if kind == "F":
                    row -= int(number or 1)
                    assert row >= 0, "the cursor was moved above the first line"
                elif kind == "J":
                    del lines[row + 1:]
                    lines[row] = ""
                else:
                    assert kind == "m", f"unknown escape sequence {escape[0]!r}"
                at = escape.end()
            elif text[at] == "\n":
                row += 1
                if row == len(lines):
                    lines.append("")
                at += 1
            else:
                assert text[at] == "\r" or text[at].isprintable(), f"unprintable {text[at]!r}"
                if text[at] != "\r":
                    lines[row] += text[at]
                at += 1
        return lines if lines[-1] else lines[:-1]
