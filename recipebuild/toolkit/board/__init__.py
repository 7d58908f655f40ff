"""Boards: the programs that run models there, reaching one over SSH, measuring, comparing, estimating."""
