"""Optimizers that bring their process into trouble, as a file of a user's own; for tests of launchers."""

OPTIMIZERS_OF_OUR_OWN = """\
import os, signal, sys, time, warnings
import torch

class Plain(torch.optim.SGD):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)

class Segfaults(Plain):
    def step(self, closure=None):
        os.kill(os.getpid(), signal.SIGSEGV)

class Leaves(Plain):
    def step(self, closure=None):
        os._exit(7)

class Sleeps(Plain):
    def step(self, closure=None):
        time.sleep(1000)

class Freezes(Plain):
    def step(self, closure=None):
        os.kill(os.getpid(), signal.SIGSTOP)

class FreezesOnce(Plain):
    def step(self, closure=None):
        super().step(closure)
        mark = os.path.join(os.path.dirname(__file__), "froze")
        if not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGSTOP)

class Marks(Plain):
    steps = 0
    def step(self, closure=None):
        super().step(closure)
        Marks.steps += 1
        if Marks.steps == 50:
            open(os.path.join(os.path.dirname(__file__), "training"), "w").close()

class DiesOnce(Plain):
    steps = 0
    def step(self, closure=None):
        super().step(closure)
        DiesOnce.steps += 1
        mark = os.path.join(os.path.dirname(__file__), "died")
        if DiesOnce.steps == 10 and not os.path.exists(mark):
            open(mark, "w").close()
            os.kill(os.getpid(), signal.SIGKILL)

class Talks(Plain):
    def __init__(self, params, lr=0.1):
        super().__init__(params, lr=lr)
        print("hello")
        warnings.warn("mind the gap")
"""
