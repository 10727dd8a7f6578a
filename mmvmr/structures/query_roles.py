"""What a token says of a video, for methods that tell words apart (VDI)."""

#: Of neither kind.
OTHER = 0
#: Change: what happens.
DYNAMIC = 1
#: Things: who and what is seen.
STATIC = 2
