"""Which optimizer should I use here, and how sure can I be?"""

__version__ = "0.1.0"
