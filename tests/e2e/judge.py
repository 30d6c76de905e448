# SPDX-License-Identifier: Apache-2.0
"""What holds of exarch's requests whatever the test is about, told from the simulator's log alone:

- never more on the way at once than `run.threads`; to one mailbox never more than that or REQUESTS_OF_A_MAILBOX, nor to more
  mailboxes than `run.mailbox_concurrency`;
- none before the end of a back-off that this program was told of;
- nothing that changes a mailbox is sent twice: what was done never again, and what became of it nobody knows only after a look.

A request is on the way from when the simulator has its head until just before the last byte of its answer leaves. That is
less than the client's own span, so overlaps in the log are overlaps in truth. Requests of other clients aren't judged."""
import collections
import heapq
import pathlib
import re

AGENT = 'exarch/'
REQUESTS_OF_A_MAILBOX = 20  # docs/design.md
THREADS = MAILBOXES = 4  # a profile's, when it says nothing
BENCH_THREADS = 8  # the most that `bench` tries by itself
BY_ID = {'DeleteItem', 'MoveItem'}
MADE = {'CreateItem', 'UploadItems', 'CreateFolder'}
READS = {'GetItem', 'FindItem', 'SyncFolderItems', 'FindFolder', 'GetFolder', 'ExportItems'}
REFUSED = 401  # the one answer after which the same is sent again at once: nobody has looked at it


def limits(args):
    """(threads, mailboxes) that a command line allows."""
    texts = [pathlib.Path(a).read_text(errors='replace') for a in args
             if a.endswith(('.yaml', '.yml', '.json')) and pathlib.Path(a).is_file()]

    def said(key, otherwise):
        found = [int(n) for text in texts for n in re.findall(rf'\b{key}"?: *"?(\d+)', text)]
        return max(found) if found else otherwise
    threads = BENCH_THREADS if args[:1] == ['bench'] else said('threads', THREADS)
    for option, value in zip(args, args[1:]):
        if option in ('--threads', '-t') and re.fullmatch(r'\d+(,\d+)*', value):  # `bench` tries several
            threads = max(int(n) for n in value.split(','))
    return threads, said('mailbox_concurrency', MAILBOXES)


class Program:
    """exarch, from when to when it ran."""

    def __init__(self, args, began):
        self.threads, self.mailboxes = limits(args)
        self.began, self.ended = began, None

    def lives(self, us):
        return self.began * 1e6 <= us and (self.ended is None or us <= self.ended * 1e6)


def whose(r):
    """What a back-off is for: a mailbox, or a service without any."""
    if 'mailbox' in r:
        return r['mailbox'].lower()
    return r['path'].rsplit('/', 1)[-1] if r['path'].endswith('/token') else r['path'].split('/', 2)[1]


def brief(r):
    return ' '.join(f'{key}={r[key]}' for key in ('time', 'operation', 'path', 'mailbox', 'items', 'status', 'code', 'fault', 'from_us')
                    if key in r)


def under_way_until(r, here):
    """When it was over for whoever sent it; HERE: the programs that may have."""
    end = r['from_us'] if r.get('left') else r['to_us']  # when its client went isn't known
    if here and all(p.ended is not None for p in here):
        end = min(end, max(p.ended * 1e6 for p in here))
    return end


def too_many_at_once(requests, programs):
    under_way = []  # (end, number, whose)
    for number, r in enumerate(requests):
        here = [p for p in programs if p.lives(r['from_us'])]
        if not here:
            yield f'no program of this test can have sent {brief(r)}'
            continue
        while under_way and under_way[0][0] <= r['from_us']:
            heapq.heappop(under_way)
        heapq.heappush(under_way, (under_way_until(r, here), number, whose(r)))
        mailboxes = collections.Counter(w for _, _, w in under_way if '@' in w)
        threads = sum(p.threads for p in here)
        now = len([e for e, _, _ in under_way if e > r['from_us']])
        if now > threads:
            yield f'{now} requests on the way with {threads} threads: {brief(r)}'
        if mailboxes[whose(r)] > REQUESTS_OF_A_MAILBOX:
            yield f'{mailboxes[whose(r)]} requests to one mailbox on the way: {brief(r)}'
        if len(mailboxes) > sum(p.mailboxes for p in here):
            yield f'{len(mailboxes)} mailboxes at a time with {sum(p.mailboxes for p in here)} allowed: {brief(r)}'


def too_early(requests, programs):
    """Of several threads each may have had one request on its way, or been about to send it, when another was told to wait: so
    each time that a mailbox is told as many may come early as there are other threads. With one thread none may."""
    told, early, threads = collections.defaultdict(list), collections.Counter(), 0
    for r in sorted(requests, key=lambda r: r['from_us']):
        key, here = whose(r), [p for p in programs if p.lives(r['from_us'])]
        threads = max(threads, sum(p.threads for p in here))
        known = [t for t in told[key] if t['to_us'] <= r['from_us'] and any(p.lives(t['to_us']) for p in here)]
        if r.get('early_ms') and known:
            early[key] += 1
        if r.get('told_ms') and not r.get('early_ms'):
            told[key].append(r)
        if early[key] > (threads - 1) * len(told[key]):
            yield f'{early[key]} requests before their time, with {threads} threads that were told {len(told[key])} times: {brief(r)}'


def sent_twice(requests, programs):
    sent, looks = {}, collections.defaultdict(list)
    for r in sorted(requests, key=lambda r: r['from_us']):
        operation, box = r.get('operation'), whose(r)
        if operation in READS:
            looks[box].append(r)
        if operation not in BY_ID | MADE:
            continue
        for thing in r.get('about', ()):
            before = sent.get((operation, box, thing))
            sent[operation, box, thing] = r
            if before is None or (before['status'] == REFUSED and not before.get('done')):
                continue
            over = under_way_until(before, [p for p in programs if p.lives(before['from_us'])])
            looked = any(over <= k['from_us'] and k['to_us'] <= r['from_us'] and
                         (operation in MADE or thing in k.get('about', ())) for k in looks[box])
            if operation in BY_ID and thing in before.get('done', ()):
                yield f'{operation} of {thing}, which was done: {brief(r)}'
            elif not looked:
                yield f'{operation} of {thing} again without a look: {brief(r)}, before it {brief(before)}'


def complaints(log, programs):
    """What was broken, in words; LOG: the simulator's lines."""
    mine = sorted((r for r in log if r.get('agent', '').startswith(AGENT)), key=lambda r: r['from_us'])
    return [*too_many_at_once(mine, programs), *too_early(mine, programs), *sent_twice(mine, programs)]
