"""Estimate the noise, padding, compression and bad pixels of an image; numpy only."""
