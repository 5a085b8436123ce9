"""A program that is a supervisor: its arguments name the kinds of its children."""

SCRIPT = """
import os, select, signal, sys, time
from relay.processes.supervisor import Child, Supervisor

def steady(links):
    links.say_ready()
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    while not stop:
        if select.select([links.lifeline], [], [], 0.05)[0]:
            break
    return 0

def misconfigured(links):
    return 78

def spoilable(links):
    return misconfigured(links) if os.path.exists("spoilt") else steady(links)

def deaf(links):
    links.say_ready()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)

def reader(links):
    signal.signal(signal.SIGHUP, lambda *_: print("read anew", flush=True))
    time.sleep(0.5)  # what comes before it listens is kept for it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    return steady(links)

def renewed(asked):
    print("asked" if asked else "looked", flush=True)
    return asked

def reread():
    return "REREAD" in os.environ

kinds = {"steady": steady, "misconfigured": misconfigured, "spoilable": spoilable, "deaf": deaf, "reader": reader}
children = [Child(f"{kind}-{n}", kinds[kind]) for n, kind in enumerate(sys.argv[1:])]
def ready(): print("ready", flush=True)
def died(pid): print("died", pid, flush=True)
sys.exit(Supervisor(children, on_ready=ready, on_death=died, renewed=renewed, reread=reread).run())
"""
