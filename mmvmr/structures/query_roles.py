"""Roles of text tokens: static and dynamic (VDI)."""

#: Of neither kind.
OTHER = 0
#: Change: what happens.
DYNAMIC = 1
#: Things: who and what is seen.
STATIC = 2
