"""Describe layers, masks, run requests, outputs and histories, without Qt."""
