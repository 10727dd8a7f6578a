"""Feature stores: files of vectors, packed or one per video and sentence."""
