_base_ = ['./_base_/rows_papers.py', './_base_/synthetic_biased.py']
name = 'evidence_synthetic'
title = 'QD-DETR and components on SyntheticMoments with correlated context'
