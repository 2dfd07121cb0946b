#!/usr/bin/python3
"""The subjects of loopbench that wait by Python's select module.

loopbench starts it with the descriptors that it has opened; their numbers, and
how long to measure, are on the command line:

    loopbench.py WAY FIRST COUNT WRITERS ACTIVE TURNS WARM_UP BUDGET_NS

It prints how many turns it has measured, and the median of their times in
nanoseconds.  Measured is what the subjects in C have measured: one wait, and
for each descriptor that is ready a call of its handler, which reads once.
"""

import os
import select
import sys
import time

EVENTS = 512
BUFFER = 512


def read_level(fd, _):
    """What is left is told again, so one read is enough."""
    os.read(fd, BUFFER)


def read_edge(fd, events, closed=select.EPOLLRDHUP | select.EPOLLHUP
              | select.EPOLLERR):
    """A short read is the end of what is there, unless the peer has closed."""
    while len(os.read(fd, BUFFER)) == BUFFER or events & closed:
        pass


def poll_turn(poll, limits, handlers):
    """For what has poll(), which returns pairs."""

    def turn():
        ready = poll(*limits)
        for fd, events in ready:
            handlers[fd](fd, events)
        return len(ready)

    return turn


def select_turn(handlers):
    watched = list(handlers)

    def turn():
        ready = select.select(watched, [], [])[0]
        for fd in ready:
            handlers[fd](fd, 0)
        return len(ready)

    return turn


def open_way(way, watched):
    """Watch the descriptors; returns the function that makes a turn."""
    handlers = dict.fromkeys(
        watched, read_edge if way == "epoll edge" else read_level)
    if way == "select":
        return select_turn(handlers)
    if way == "poll":
        poller, events, limits = select.poll(), select.POLLIN, ()
    else:
        poller, events, limits = select.epoll(), select.EPOLLIN, (-1, EVENTS)
    if way == "epoll edge":
        events |= select.EPOLLRDHUP | select.EPOLLET
    for fd in watched:
        poller.register(fd, events)
    return poll_turn(poller.poll, limits, handlers)


def main():
    way = sys.argv[1]
    first, count, writers, active, turns, warm_up, budget = map(
        int, sys.argv[2:])
    far_ends = range(writers, writers + active)
    turn = open_way(way, range(first, first + count))
    now = time.perf_counter_ns
    times = []
    spent = 0
    for i in range(warm_up + turns):
        for fd in far_ends:
            os.write(fd, b"\0")
        begin = now()
        ready = turn()
        took = now() - begin
        if ready != active:
            sys.exit(f"loopbench.py: {way}: {ready} of {active} were ready")
        if i >= warm_up:
            times.append(took)
            spent += took
            if spent > budget:
                break
    times.sort()
    print(len(times), times[len(times) // 2])


main()
