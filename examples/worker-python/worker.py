#!/usr/bin/env python3
"""An AI worker for Vedette in one file, with the standard library alone.

It leases tasks, pulls the newest frame of each, finds the block that moves
through a picture that otherwise stands still, and reports what it saw. The
detector is a toy; replace Detector.handle with something that knows more.

    VEDETTE_URL=https://vedette.local VEDETTE_KEY=... ./worker.py

Exit codes: 0 after SIGTERM or SIGINT, 1 when the box refuses the key, 2 for
wrong arguments, 3 for a fault of this program.
"""

import argparse
import http.client
import json
import logging
import math
import os
import random
import signal
import socket
import ssl
import sys
import threading
import time
import urllib.parse

log = logging.getLogger("worker")

MIN_WAIT, MAX_WAIT = 0.5, 60.0  # seconds between attempts
POLL_FOR = 10.0  # seconds that the box may wait for a newer frame
SLOWNESS = 15.0  # seconds that an answer may take beyond that
REPORT_FOR = 90.0  # seconds that a report is tried: its ticket lives for 120
MAX_BYTES = 32 << 20  # of an answer
MAX_PIXELS = 64 << 20  # of a frame


# --- the box ------------------------------------------------------------------


class Refused(Exception):
    """An answer that is none of the good ones; code is 0 if there was none."""

    def __init__(self, code, reason, wait=0.0):
        super().__init__(f"the box answers {code}" if code else reason)
        self.code, self.wait = code, wait

    def passes(self):
        """Whether the same request may be taken later."""
        return self.code in (0, 408, 429) or self.code >= 500


class Backoff:
    """The time before the next attempt: it doubles, and half of it is chance."""

    def __init__(self):
        self.failures = 0

    def next(self, asked=0.0):
        wait = min(MIN_WAIT * 2 ** min(self.failures, 10), MAX_WAIT / 2)
        self.failures += 1
        if asked > 0:
            return asked + random.uniform(0, max(asked / 4, MIN_WAIT))
        return wait / 2 + random.uniform(0, wait / 2)


class Box:
    """Speaks the worker contract. Each thread has a connection of its own.

    http.client follows no redirects, so the key stays with the box.
    """

    def __init__(self, url, key, ca=None):
        parts = urllib.parse.urlsplit(url.rstrip("/"))
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
            raise ValueError("the URL must be like https://vedette.local")
        self.host, self.port, self.path = parts.hostname, parts.port, parts.path
        self.tls = ssl.create_default_context(cafile=ca) if parts.scheme == "https" else None
        self.key = key
        self.local = threading.local()
        self.lock = threading.Lock()
        self.open, self.closed = set(), False

    def _connection(self):
        c = getattr(self.local, "connection", None)
        if c is None:
            if self.tls:
                c = http.client.HTTPSConnection(self.host, self.port, timeout=SLOWNESS, context=self.tls)
            else:
                c = http.client.HTTPConnection(self.host, self.port, timeout=SLOWNESS)
            self.local.connection = c
        return c

    def _drop(self):
        c = getattr(self.local, "connection", None)
        self.local.connection = None
        if c is not None:
            with self.lock:
                self.open.discard(c)
            c.close()

    def call(self, method, path, body=None, timeout=SLOWNESS):
        """Returns status, headers and bytes of a good answer, or of a 304."""
        headers = {"Authorization": "Bearer " + self.key}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            c = self._connection()
            with self.lock:
                if self.closed:
                    raise OSError("the worker ends")
                self.open.add(c)
            c.timeout = timeout
            if c.sock is None:
                c.connect()
            c.sock.settimeout(timeout)
            c.request(method, self.path + path, body, headers)
            answer = c.getresponse()
            data = answer.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException) as e:
            self._drop()
            raise Refused(0, f"{type(e).__name__}: {e}") from None
        if len(data) > MAX_BYTES or answer.will_close:
            self._drop()
        if len(data) > MAX_BYTES:
            raise Refused(0, "the answer is too long")
        if answer.status // 100 == 2 or answer.status == 304:
            return answer.status, answer.headers, data
        text = answer.headers.get("Retry-After", "")
        wait = min(float(text), MAX_WAIT) if text.isascii() and text.isdigit() else 0.0
        raise Refused(answer.status, answer.reason, wait)

    def interrupt(self):
        """Ends the calls of all threads, and lets none but release begin."""
        with self.lock:
            self.closed = True
            for c in self.open:
                if c.sock is not None:
                    try:
                        c.sock.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass  # it was over already

    def json(self, method, path, value=None, timeout=SLOWNESS):
        body = None if value is None else json.dumps(value, allow_nan=False).encode()
        data = self.call(method, path, body, timeout)[2]
        try:
            return json.loads(data)
        except ValueError:
            raise Refused(0, "the answer is not JSON") from None

    def frame(self, task, after, wait):
        """Returns the newest frame if it is newer than after, or None."""
        query = {"profile": task["stream_profile"], "task": task["id"]}
        if wait:
            query["wait_ms"] = str(int(wait * 1000))
        if after:
            query["after"] = str(after)
        path = f"/api/v1/cameras/{urllib.parse.quote(task['camera_id'], '')}/frame?" + urllib.parse.urlencode(query)
        status, headers, data = self.call("GET", path, timeout=wait + SLOWNESS)
        if status == 304:
            return None
        try:
            return Frame(task, data, int(headers["X-Frame-Seq"]), headers["X-Frame-Captured-At"], headers.get("X-Frame-Ticket"))
        except (TypeError, ValueError):
            raise Refused(0, "a frame without a number") from None


class Frame:
    """One picture of a task's camera."""

    def __init__(self, task, jpeg, seq, captured, ticket):
        self.task, self.jpeg, self.seq, self.captured, self.ticket = task, jpeg, seq, captured, ticket

    def report(self, detections):
        """What to tell the box. An empty list says that nothing is there."""
        out = {
            "camera_id": self.task["camera_id"],
            "task_type": self.task["task_type"],
            "timestamp": self.captured,
            "detections": detections,
        }
        if self.ticket:
            out["frame_ticket"] = self.ticket
        else:  # so that a report that is sent twice counts once
            out["frame_id"] = f"{self.task['id']}.{self.captured}.{self.seq}"[:128]
        return out


# --- the worker ---------------------------------------------------------------


class Worker:
    """Keeps a lease, and one thread for each task in it."""

    def __init__(self, box, worker_id, types, ttl, handle):
        self.box, self.id, self.types, self.ttl, self.handle = box, worker_id, types, ttl, handle
        self.stop = threading.Event()
        self.wake = threading.Event()  # the lease should be looked at now
        self.one = threading.Lock()  # one frame at a time
        self.running = {}  # task id: (task, end, thread)

    def run(self):
        """Works until stop is set. Returns the exit code."""
        lease, over, backoff, code = None, time.monotonic(), Backoff(), 0
        while not self.stop.is_set():
            asked = time.monotonic()
            try:
                want = {"worker_id": self.id, "ttl_secs": self.ttl}
                if self.types:
                    want["task_types"] = self.types
                answer = self.box.json("POST", "/api/v1/ai/leases", want)
                lease, over, backoff = answer["lease_id"], asked + self.ttl, Backoff()
                self.set_tasks(answer["tasks"])
                wait = max(min(self.ttl / 3, float(answer.get("next_poll_secs") or self.ttl)), 1.0)
                wait -= random.uniform(0, wait / 10)
            except Refused as e:
                if e.code in (401, 403):
                    log.error("the box refuses the API key")
                    lease, code = None, 1
                    break
                wait = backoff.next(e.wait)
                if not self.stop.is_set():
                    log.warning("no lease: %s; again in %.1f s", e, wait)
            self.rest(wait, over)
        self.stop.set()
        self.box.interrupt()
        threads, deadline = [t for _, _, t in self.running.values()], time.monotonic() + 5
        self.set_tasks([])
        for t in threads:
            t.join(max(deadline - time.monotonic(), 0))
        if lease:
            self.release(lease)
        return code

    def rest(self, wait, over):
        """Waits until the next call; ends the tasks if their time is over before."""
        until = time.monotonic() + wait
        while not self.stop.is_set() and (left := until - time.monotonic()) > 0:
            if self.running and time.monotonic() >= over:
                log.warning("the lease is over")
                self.set_tasks([])
            if self.running:
                left = min(left, max(over - time.monotonic(), 0.01))
            if self.wake.wait(left):
                self.wake.clear()
                self.stop.wait(MIN_WAIT + random.uniform(0, MIN_WAIT))
                return

    def set_tasks(self, tasks):
        """Starts what is new and ends what is gone; what changed does both."""
        want = {t["id"]: t for t in tasks}
        before = {}
        for task_id, (task, end, thread) in list(self.running.items()):
            if want.get(task_id) == task:
                del want[task_id]
                continue
            end.set()
            before[task_id] = thread
            del self.running[task_id]
        for task_id, task in want.items():
            log.info("task %s: %s on %s", task_id, task["task_type"], task["camera_id"])
            end = threading.Event()
            thread = threading.Thread(target=self.work, args=(task, end, before.get(task_id)), daemon=True)
            self.running[task_id] = (task, end, thread)
            thread.start()

    def release(self, lease):
        """Gives the tasks back; they come free by themselves if it fails."""
        box = self.box
        box.closed = False
        box._drop()
        try:
            box.json("DELETE", "/api/v1/ai/leases/" + urllib.parse.quote(lease, ""), timeout=3.0)
        except Refused as e:
            log.info("the lease was not given back: %s", e)

    def look_again(self):
        self.wake.set()

    def over(self, end):
        return end.is_set() or self.stop.is_set()

    def sleep(self, end, seconds):
        deadline = time.monotonic() + seconds
        while not self.over(end) and (left := deadline - time.monotonic()) > 0:
            end.wait(min(left, 0.5))

    def work(self, task, end, before):
        """Pulls the frames of one task until end is set."""
        if before is not None:
            before.join()  # frames of a task come one after the other
        interval = 1 / max(float(task.get("fps") or 1000), 0.01)
        backoff, last, due, after = Backoff(), None, 0.0, 0
        while not self.over(end):
            began = time.monotonic()
            try:
                frame = self.box.frame(task, after, POLL_FOR)
            except Refused as e:
                after = 0  # a box that was started again counts from the beginning
                if e.code == 404:  # none yet, or no such camera, which the lease will say
                    self.sleep(end, 1 + backoff.next() / 4)
                    continue
                wait = backoff.next(e.wait)
                if not self.over(end):
                    log.warning("no frame of %s: %s; again in %.1f s", task["camera_id"], e, wait)
                if not e.passes():
                    self.look_again()
                self.sleep(end, wait)
                continue
            backoff = Backoff()
            same = frame is not None and (frame.seq, frame.captured) == last
            if frame is None or same:
                # None newer came. The box has waited for it, or we do.
                after = frame.seq if same else 0
                self.sleep(end, began + 1 - time.monotonic())
                continue
            due = max(due, time.monotonic() - interval) + interval
            frame = self.look(frame, interval, end)
            last, after = (frame.seq, frame.captured), frame.seq
            self.sleep(end, due - time.monotonic())

    def look(self, frame, interval, end):
        """Has a frame looked at and reports it. Returns the one that it was."""
        came = time.monotonic()
        with self.one:
            if self.over(end):
                return frame
            if time.monotonic() - came > max(interval, 1.0):
                try:  # it is old by now; a newer one is better, if it is there
                    frame = self.box.frame(frame.task, frame.seq, 0) or frame
                except Refused:
                    pass
            try:
                seen = self.handle(frame)
            except Exception as e:  # a detector's fault is no reason to end
                log.warning("frame %d not understood: %s", frame.seq, e)
                return frame
        self.report(frame, seen, end)
        return frame

    def report(self, frame, seen, end):
        backoff, deadline = Backoff(), time.monotonic() + REPORT_FOR
        body = frame.report(seen)
        while not self.over(end):
            try:
                self.box.json("POST", "/api/v1/ai/events", body)
                return
            except ValueError as e:
                log.error("what was seen is not JSON: %s", e)
                return
            except Refused as e:
                if not e.passes():
                    log.warning("report refused: %s", e)
                    if e.code in (401, 403, 404, 409):
                        self.look_again()
                    return
                wait = backoff.next(e.wait)
                if time.monotonic() + wait > deadline:
                    return
                self.sleep(end, wait)


# --- JPEG, as far as a toy needs it -------------------------------------------


class JPEGError(Exception):
    """A picture that this decoder cannot read."""


_tables = {}  # of Huffman codes: what they were read from to lookup table


def _lookup(spec, is_dc):
    """Makes a table from the next 16 bits to what they begin with; 0 is no code.

    DC: length of the code << 4 | bits of the difference. AC: bits in all << 8 |
    coefficients to go on by; the end of a block goes on by 64.
    """
    table = _tables.get((spec, is_dc))
    if table is not None:
        return table
    table, at = [], 16
    for length in range(1, 17):
        for symbol in spec[at : at + spec[length - 1]]:
            run, size = symbol >> 4, symbol & 15
            if is_dc:
                entry = length << 4 | symbol if symbol <= 11 else 0
            elif size:
                entry = (length + size) << 8 | (run + 1)
            else:
                entry = length << 8 | (64 if run == 0 else 16 if run == 15 else 0)
                entry = entry if run in (0, 15) else 0
            table += [entry] * (1 << (16 - length))
        at += spec[length - 1]
        if len(table) > 65536:
            raise JPEGError("wrong Huffman table")
    table += [0] * (65536 - len(table))
    if len(_tables) > 64:
        _tables.clear()
    _tables[spec, is_dc] = table
    return table


class JPEG:
    """The luma of a baseline JPEG in cells of 8x8 pixels: only what the DC
    coefficients say, which is the mean of each block, 0 to 255."""

    def __init__(self, data):
        self.data = data
        self.quant, self.huffman, self.components = {}, {}, []
        self.width = self.height = self.restart = 0
        self.cells = None
        try:
            self._parse()
        except (IndexError, KeyError):
            raise JPEGError("the picture is damaged") from None
        if self.cells is None:
            raise JPEGError("there is no picture")

    def _parse(self):
        data, at = self.data, 2
        if data[:2] != b"\xff\xd8":
            raise JPEGError("this is not a JPEG")
        while self.cells is None:
            if data[at] != 0xFF:
                raise JPEGError("no marker where one must be")
            kind = data[at + 1]
            if kind == 0xFF:
                at += 1
                continue
            if kind == 0xD9:
                return
            length = data[at + 2] << 8 | data[at + 3]
            part = data[at + 4 : at + 2 + length]
            if length < 2 or len(part) != length - 2:
                raise JPEGError("the picture is cut off")
            at += 2 + length
            if kind == 0xDB:
                self._quantisation(part)
            elif kind == 0xC4:
                self._huffman(part)
            elif kind in (0xC0, 0xC1):
                self._frame(part)
            elif 0xC2 <= kind <= 0xCF and kind not in (0xC8, 0xCC):
                raise JPEGError("only baseline pictures can be read")
            elif kind == 0xDD:
                self.restart = part[0] << 8 | part[1]
            elif kind == 0xDA:
                self._scan(part, at)

    def _quantisation(self, part):
        while part:
            wide, name = part[0] >> 4, part[0] & 15
            size = 129 if wide else 65
            if len(part) < size:
                raise JPEGError("wrong quantisation table")
            self.quant[name] = part[1] << 8 | part[2] if wide else part[1]  # of DC alone
            part = part[size:]

    def _huffman(self, part):
        while part:
            end = 17 + sum(part[1:17])
            if len(part) < end:
                raise JPEGError("wrong Huffman table")
            is_dc = part[0] >> 4 == 0
            self.huffman[is_dc, part[0] & 15] = _lookup(bytes(part[1:end]), is_dc)
            part = part[end:]

    def _frame(self, part):
        if part[0] != 8 or self.components:
            raise JPEGError("only pictures of 8 bits can be read")
        self.height, self.width = part[1] << 8 | part[2], part[3] << 8 | part[4]
        if not 0 < self.width * self.height <= MAX_PIXELS or part[5] not in (1, 3):
            raise JPEGError("the picture is none, or too large")
        for i in range(part[5]):
            name, sampling, quant = part[6 + 3 * i : 9 + 3 * i]
            h, v = sampling >> 4, sampling & 15
            if not (1 <= h <= 4 and 1 <= v <= 4):
                raise JPEGError("wrong sampling")
            self.components.append((name, h, v, quant))
        if part[5] == 1:  # then a unit is one block, whatever it says
            self.components = [(self.components[0][0], 1, 1, self.components[0][3])]

    def _scan(self, part, at):
        count = part[0]
        if not self.components or count != len(self.components):
            raise JPEGError("only pictures in one scan can be read")
        hmax = max(h for _, h, _, _ in self.components)
        vmax = max(v for _, _, v, _ in self.components)
        if self.components[0][1:3] != (hmax, vmax):
            raise JPEGError("luma must be the finest")
        plan = []  # of a unit: component, DC table, AC table, column, row
        for i, (name, h, v, _) in enumerate(self.components):
            chosen, tables = part[1 + 2 * i], part[2 + 2 * i]
            if chosen != name:
                raise JPEGError("the components are mixed up")
            dc, ac = self.huffman[True, tables >> 4], self.huffman[False, tables & 15]
            plan += [(i, dc, ac, x, y) for y in range(v) for x in range(h)]
        self.cols, self.rows = (self.width + 7) // 8, (self.height + 7) // 8
        self._decode(at, plan, hmax, vmax)

    def _decode(self, at, plan, hmax, vmax):
        wide, high = -(-self.width // (8 * hmax)), -(-self.height // (8 * vmax))
        stride, quant = wide * hmax, self.quant[self.components[0][3]]
        cells = [0] * (stride * high * vmax)
        units, done = wide * high, 0
        data = self.data
        while done < units:
            # One stretch between restarts, without what keeps it from looking like a marker.
            end = at
            while True:
                end = data.find(b"\xff", end)
                if end < 0 or end + 1 >= len(data):
                    end = len(data)
                    break
                if data[end + 1] not in (0, 0xFF):
                    break
                end += 2 if data[end + 1] == 0 else 1
            stretch = data[at:end].replace(b"\xff\x00", b"\xff")
            count = min(self.restart or units, units - done)
            self._stretch(stretch, plan, cells, done, count, wide, stride, hmax, vmax, quant)
            done += count
            at = end + 2
            if done < units and not (end + 1 < len(data) and 0xD0 <= data[end + 1] <= 0xD7):
                raise JPEGError("the picture is cut off")
        cols = self.cols
        self.cells = [v for r in range(self.rows) for v in cells[r * stride : r * stride + cols]]

    def _stretch(self, data, plan, cells, first, count, wide, stride, hmax, vmax, quant):
        bits = have = at = 0  # the next bits, how many, and where more are
        limit = len(data) + 8
        before = [0, 0, 0]
        for unit in range(first, first + count):
            left, top = unit % wide * hmax, unit // wide * vmax
            for component, dc, ac, x, y in plan:
                if have < 32:
                    bits = (bits & ((1 << have) - 1)) << 32 | int.from_bytes(data[at : at + 4].ljust(4, b"\0"), "big")
                    have += 32
                    at += 4
                entry = dc[bits >> (have - 16) & 0xFFFF]
                if not entry or at > limit:
                    raise JPEGError("the picture is damaged")
                have -= entry >> 4
                size = entry & 15
                if size:
                    have -= size
                    value = bits >> have & ((1 << size) - 1)
                    if value < 1 << (size - 1):
                        value -= (1 << size) - 1
                    before[component] += value
                if component == 0:
                    value = (before[0] * quant >> 3) + 128
                    cells[(top + y) * stride + left + x] = 0 if value < 0 else 255 if value > 255 else value
                k = 1
                while k < 64:
                    if have < 32:
                        bits = (bits & ((1 << have) - 1)) << 32 | int.from_bytes(data[at : at + 4].ljust(4, b"\0"), "big")
                        have += 32
                        at += 4
                    entry = ac[bits >> (have - 16) & 0xFFFF]
                    if not entry:
                        raise JPEGError("the picture is damaged")
                    have -= entry >> 8
                    k += entry & 0xFF


# --- the toy detector ---------------------------------------------------------

HISTORY = 15  # frames, of which the median is what stands still
ENOUGH = 5  # frames before anything is known
CONTRAST = 24  # of a cell against that, of 255
SOLID = 0.6  # least part of its box that a block fills
NEAR = 0.03  # how far from where it is expected, in widths of the picture
FAR = 0.3  # the same for its second sighting, when nothing is expected
SIGHTINGS = 5  # before it is believed
MOVED = 0.08  # in all, before it is believed, in widths of the picture
PATIENCE = 2  # frames in which it may be missing


class Track:
    """A patch over time. It goes straight on at its own speed."""

    def __init__(self, number, x, y):
        self.number = number
        self.x = self.x0 = x
        self.y = self.y0 = y
        self.vx = self.vy = 0.0
        self.seen, self.misses, self.claimed, self.believed = 0, -1, False, False

    def sight(self, blob, x, y):
        steps = self.misses + 1
        if self.seen:
            self.vx, self.vy = (x - self.x) / steps, (y - self.y) / steps
        self.blob, self.x, self.y, self.misses, self.claimed = blob, x, y, 0, True
        self.seen += 1
        if self.seen >= SIGHTINGS and math.hypot(x - self.x0, y - self.y0) >= MOVED:
            self.believed = True

    def like(self, blob):
        """Whether it may be the same: half hidden at the edge it is narrower."""
        (_, _, w, h, _), (_, _, w2, h2, _) = self.blob, blob
        return max(w, w2) <= 2 * min(w, w2) and max(h, h2) <= min(h, h2) + 1


class Finder:
    """Finds the blocks that move in one stream."""

    def __init__(self):
        self.size, self.past, self.tracks, self.number = None, [], [], 0

    def find(self, picture):
        """Returns the tracks that are in the picture."""
        if self.size != (picture.cols, picture.rows):  # nothing fits any more
            self.size, self.past, self.tracks = (picture.cols, picture.rows), [], []
        self.past = (self.past + [picture.cells])[-HISTORY:]
        if len(self.past) < ENOUGH:
            return []
        middle = len(self.past) // 2
        fore = [abs(v[-1] - sorted(v)[middle]) > CONTRAST for v in zip(*self.past)]
        self.follow(self.blobs(fore))
        return [t for t in self.tracks if t.misses == 0 and t.believed]

    def blobs(self, fore):
        """Returns the solid, roughly square patches, from top to bottom."""
        cols, rows = self.size
        out = []
        for start, here in enumerate(fore):
            if not here or not fore[start]:
                continue
            fore[start] = False
            todo, cells = [start], []
            while todo:
                at = todo.pop()
                cells.append(at)
                x, y = at % cols, at // cols
                for nx, ny in ((x - 1, y), (x + 1, y), (x, y - 1), (x, y + 1)):
                    if 0 <= nx < cols and 0 <= ny < rows and fore[ny * cols + nx]:
                        fore[ny * cols + nx] = False
                        todo.append(ny * cols + nx)
            xs, ys = [c % cols for c in cells], [c // cols for c in cells]
            x, y = min(xs), min(ys)
            w, h = max(xs) - x + 1, max(ys) - y + 1
            fill = len(cells) / (w * h)
            if min(w, h) >= 2 and max(w, h) <= 3 * min(w, h) and fill >= SOLID:
                out.append((x, y, w, h, fill))
        return out

    def follow(self, blobs):
        """Gives each blob to the track that expects it, or to a new one."""
        cols = self.size[0]
        for t in self.tracks:
            t.claimed = False
        known = list(self.tracks)
        for blob in blobs:
            x, y = (blob[0] + blob[2] / 2) / cols, (blob[1] + blob[3] / 2) / cols
            best, least = None, math.inf
            for t in known:
                steps = t.misses + 1
                d = math.hypot(t.x + t.vx * steps - x, t.y + t.vy * steps - y)
                if not t.claimed and t.like(blob) and d <= (FAR if t.seen == 1 else NEAR) and d < least:
                    best, least = t, d
            if best is None:
                self.number += 1
                best = Track(self.number, x, y)
                self.tracks.append(best)
            best.sight(blob, x, y)
        for t in self.tracks:
            if not t.claimed:
                t.misses += 1
        self.tracks = [t for t in self.tracks if t.misses <= PATIENCE]


class Detector:
    """Finds moving blocks in the frames of any number of tasks. The task's
    config may hold "label", which the blocks get; the default is "block"."""

    def __init__(self):
        self.finders = {}  # by task

    def handle(self, frame):
        picture = JPEG(frame.jpeg)
        label = frame.task.get("config", {}).get("label") or "block"
        out = []
        for t in self.finders.setdefault(frame.task["id"], Finder()).find(picture):
            x, y, w, h, fill = t.blob
            x, y, w, h = x * 8 / picture.width, y * 8 / picture.height, w * 8 / picture.width, h * 8 / picture.height
            out.append(
                {
                    "label": label,
                    "confidence": round(98 * fill) / 100,
                    "bbox": [x, y, min(w, 1 - x), min(h, 1 - y)],
                    "track_id": f"block-{t.number}",
                }
            )
        return out


# --- the program --------------------------------------------------------------


def main():
    args = argparse.ArgumentParser(description="An AI worker for Vedette with a toy detector.")
    args.add_argument("--url", default=os.environ.get("VEDETTE_URL"), help="address of the box; default $VEDETTE_URL")
    args.add_argument("--id", default=f"{socket.gethostname()[:96]}-{os.getpid()}", help="name of this worker")
    args.add_argument("--types", default="detection", help="types of tasks to take, with commas between")
    args.add_argument("--ttl", type=int, default=60, help="seconds that the box holds tasks for a silent worker")
    args.add_argument("--ca", help="file with the certificate of the box, or of who signed it")
    o = args.parse_args()
    # The key comes by the environment: arguments can be read by everybody.
    key = os.environ.get("VEDETTE_KEY")
    if not o.url or not key:
        args.error("VEDETTE_URL (or --url) and VEDETTE_KEY are needed")
    if not 15 <= o.ttl <= 300:
        args.error("--ttl must be 15 to 300 seconds")
    try:
        box = Box(o.url, key, o.ca)
    except (ValueError, OSError) as e:
        args.error(str(e))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    worker = Worker(box, o.id, [t for t in o.types.split(",") if t], o.ttl, Detector().handle)

    # A handler may run at any point of the main thread, so it takes no lock: the
    # worker has another thread, and this one only looks.
    ended = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.append(True))
    code = []
    thread = threading.Thread(target=lambda: code.append(worker.run()))
    thread.start()
    while thread.is_alive() and not ended:
        thread.join(0.2)
    worker.stop.set()
    worker.wake.set()
    thread.join()
    return code[0] if code else 3


if __name__ == "__main__":
    sys.exit(main())
