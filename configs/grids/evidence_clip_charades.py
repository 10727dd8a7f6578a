_base_ = ['./_base_/rows_papers.py', './_base_/clip_charades.py']
name = 'evidence_clip_charades'
title = 'QD-DETR and components on part of Charades-STA (CLIP features)'
