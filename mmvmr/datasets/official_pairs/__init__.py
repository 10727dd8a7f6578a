"""The official TD-DETR data set with its bugs: batches of video pairs, reproduced for parity alone."""
